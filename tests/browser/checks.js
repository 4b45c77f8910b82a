// What is wrong with the page that is open: each check returns sentences, none where all is well.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const isVisible = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && e.getClientRects().length > 0;
  const styleOf = (e) => getComputedStyle(e);
  const ancestors = (e) => (e.parentElement ? [e.parentElement, ...ancestors(e.parentElement)] : []);
  const isScroller = (e) => /auto|scroll/.test(styleOf(e).overflowX);
  const short = (text) => text.trim().replace(/\s+/g, " ").slice(0, 60);
  const where = (e) => {
    const owner = e.closest("[id]");
    const label = e.getAttribute("aria-label") || (e.querySelector(":scope > summary, :scope > caption") ?? e).textContent;
    return `<${e.localName}${e.getAttribute("class") ? ` class="${e.getAttribute("class")}"` : ""}> '${short(label)}'${owner ? ` in #${owner.id}` : ""}`;
  };

  function textNodes(within) {
    const walker = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const parent = walker.currentNode.parentElement;
      if (walker.currentNode.data.trim() && parent && !parent.closest("script, style, template, noscript, title, desc")) found.push(walker.currentNode);
    }
    return found;
  }

  function boxOf(node) {
    const range = document.createRange();
    range.selectNodeContents(node);
    return range.getBoundingClientRect();
  }

  // For screen readers only: a box of a pixel that clips its text.
  const isForEars = (e) => [e, ...ancestors(e)].some((a) => styleOf(a).overflow !== "visible" && Math.min(a.clientWidth, a.clientHeight) <= 2 && styleOf(a).position === "absolute");
  const isHidden = (e) => e.closest('[aria-hidden="true"], [role="presentation"], [role="none"]') !== null;
  const figures = () => all("svg").filter((e) => !isHidden(e) && !e.parentElement.closest("svg"));

  function nameOf(svg) {
    const ids = (svg.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
    const labelled = ids.map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
    return short(labelled) || short(svg.getAttribute("aria-label") || "") || short(svg.querySelector(":scope > title")?.textContent || "");
  }

  function overflow() {
    const limit = document.documentElement.clientWidth;
    const rightOf = (e) => Math.max(e.getBoundingClientRect().right, ...[...e.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE && n.data.trim()).map((n) => boxOf(n).right));
    const isLost = (e) => rightOf(e) > limit + 1 && isVisible(e) && !isForEars(e) && !ancestors(e).some(isScroller) && !isScroller(e);
    const lost = all("body *").filter((e) => !e.parentElement.closest("svg") && isLost(e));
    const found = lost.filter((e) => !lost.some((other) => other !== e && e.contains(other))).map((e) => `${where(e)} reaches beyond the screen and no container scrolls it`);
    const width = document.scrollingElement.scrollWidth;
    return width > limit ? [`the page is ${width} px wide, the screen ${limit} px`, ...found] : found;
  }

  const SMALLEST = 9; // px on the screen; browsers themselves keep to 10 and more where readers may set a minimum

  // A box of text has empty room above and beneath its letters, to a quarter of its height.
  const isOutside = (text, box) => text.left < box.left - 1 || text.right > box.right + 1 || text.top + text.height / 4 < box.top || text.bottom - text.height / 4 > box.bottom;
  const scaleOf = (text) => { const m = text.getScreenCTM(); return Math.hypot(m.c, m.d); };

  function cutFigures() {
    const found = [];
    for (const svg of figures().filter((e) => isVisible(e) && !e.closest("td, th"))) {
      const box = svg.getBoundingClientRect();
      const frame = ancestors(svg).find((e) => styleOf(e).overflowX !== "visible") ?? document.documentElement;
      const seen = frame.getBoundingClientRect().left + frame.clientLeft + frame.clientWidth;
      if (box.right > seen + 1) found.push(`'${nameOf(svg)}': ${Math.round(box.right - seen)} of ${Math.round(box.width)} px are cut`);
      const texts = all("text", svg).filter(isVisible);
      const outside = styleOf(svg).overflow === "visible" ? [] : texts.filter((t) => isOutside(t.getBoundingClientRect(), box));
      if (outside.length) found.push(`'${nameOf(svg)}': ${outside.length} labels stand outside, as '${short(outside[0].textContent)}'`);
      const sizes = texts.map((t) => parseFloat(styleOf(t).fontSize) * scaleOf(t));
      if (Math.min(...sizes) < SMALLEST) found.push(`'${nameOf(svg)}': its text is ${Math.min(...sizes).toFixed(1)} px high`);
    }
    return found;
  }

  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });

  // Red, green, blue and alpha of any colour of CSS, from 0 to 1.
  function paint(colour, opacity = 1) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = [...canvas.getImageData(0, 0, 1, 1).data].map((n) => n / 255);
    return [r, g, b, a * opacity];
  }

  const paintOf = (e) => {
    const style = styleOf(e);
    if (!(e instanceof SVGElement) || e.localName === "svg") return paint(style.backgroundColor, Number(style.opacity));
    return style.fill === "none" || !(e instanceof SVGGeometryElement || e instanceof SVGTextContentElement) ? [0, 0, 0, 0] : paint(style.fill, style.fillOpacity * style.opacity);
  };
  const over = (top, beneath) => top.map((c, i) => (i < 3 ? c * top[3] + beneath[i] * (1 - top[3]) : 1));

  // Source: WCAG 2.2, relative luminance and contrast ratio.
  const luminance = (colour) => colour.slice(0, 3).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => { const [dark, bright] = [luminance(a), luminance(b)].sort((x, y) => x - y); return (bright + 0.05) / (dark + 0.05); };

  // axe-core does not measure text within pictures.
  function paleLabels() {
    const canHit = document.head.appendChild(document.createElement("style"));
    canHit.textContent = "svg * { pointer-events: all !important }";
    const found = new Map();
    const isHalo = (e) => e.hasAttribute("stroke"); // lies beneath the same label, in the colour of the ground
    for (const text of figures().flatMap((svg) => all("text", svg)).filter((e) => isVisible(e) && !isHalo(e) && e.textContent.trim())) {
      text.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      const box = text.getBoundingClientRect();
      const layers = document.elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2).filter((e) => !e.closest("text"));
      const beneath = layers.reverse().reduce((below, e) => over(paintOf(e), below), paint("Canvas"));
      const ratio = contrast(over(paintOf(text), beneath), beneath);
      const key = nameOf(text.closest("svg"));
      if (ratio < 4.5 && !found.has(key)) found.set(key, `'${key}': '${short(text.textContent)}' has a contrast of ${ratio.toFixed(1)}`);
    }
    canHit.remove();
    return [...found.values()];
  }

  function figureNames() {
    const found = [], seen = new Map();
    for (const svg of figures()) {
      const name = nameOf(svg);
      if (!name) found.push(`${where(svg)} has no name; a picture that says nothing is aria-hidden`);
      else if (!svg.closest("td, th")) seen.set(name, (seen.get(name) ?? 0) + 1);
    }
    for (const [name, count] of seen) if (count > 1) found.push(`${count} figures are named '${name}'`);
    return found;
  }

  const isFolded = (e) => { const fold = e.closest("details:not([open])"); return fold !== null && !(e.closest("summary")?.parentElement === fold); };
  const isAction = (e) => e.matches("[popovertarget], [commandfor]") || (e.form && e.form.hasAttribute("action"));

  function needsScript() {
    const parts = all("section, article, table, h1, h2, h3").filter((e) => !isFolded(e) && !isVisible(e));
    const controls = all('button, [role="button"], [onclick], select, textarea, input:not([type="checkbox"], [type="radio"], [type="hidden"]), a[href="#"], a[href^="javascript:"]');
    const dead = controls.filter((e) => isVisible(e) && !isAction(e));
    return [...parts.map((e) => `${where(e)} is not visible`), ...dead.map((e) => `${where(e)} does nothing`)];
  }

  function foldedInPrint() {
    const isShown = (node) => isVisible(node.parentElement) && boxOf(node).height > 0;
    const own = (fold) => textNodes(fold).filter((node) => node.parentElement.closest("details") === fold && !node.parentElement.closest("summary"));
    return all("details").filter((fold) => own(fold).length && !own(fold).some(isShown)).map((fold) => `${where(fold)} is printed without its content`);
  }

  // Chromium shrinks what is too wide for the paper, to two thirds at most (seen: 794 px of paper took 1,191 px and no more).
  function cutInPrint() {
    const paper = document.documentElement.clientWidth * 1.5;
    const found = [];
    for (const e of all("table, svg, pre").filter((e) => isVisible(e) && !e.parentElement.closest("table, svg"))) {
      const right = Math.max(e.getBoundingClientRect().right, e.getBoundingClientRect().left + e.scrollWidth);
      const frame = [e, ...ancestors(e)].find((a) => styleOf(a).overflowX !== "visible" && a.scrollWidth > a.clientWidth + 1 && a.clientWidth > 0 && a.localName !== "html" && a.localName !== "body");
      if (frame) found.push(`${where(e)}: ${frame.scrollWidth - frame.clientWidth} of ${frame.scrollWidth} px are cut by <${frame.localName} class="${frame.className}">`);
      else if (right > paper + 1) found.push(`${where(e)} is ${Math.round(right)} px wide, and paper takes ${Math.round(paper)} px`);
    }
    return found;
  }

  const isOpaque = (e) => { const given = styleOf(e).backgroundColor.match(/^rgba\(.*,\s*([\d.]+)\)$|\/\s*([\d.]+)\)$/); return !given || Number(given[1] ?? given[2]) === 1; };

  function covers(cell, scroller) {
    const box = cell.getBoundingClientRect(), frame = scroller.getBoundingClientRect();
    const [left, right] = [Math.max(box.left, frame.left, 0), Math.min(box.right, frame.right, innerWidth)];
    for (const x of [0.05, 0.5, 0.95]) for (const y of [0.1, 0.5, 0.9]) {
      const top = document.elementFromPoint(left + x * (right - left), box.top + y * box.height);
      if (top && !cell.contains(top) && !top.contains(cell)) return top;
    }
    return null;
  }

  function overprinted() {
    const found = new Set();
    for (const scroller of all("*").filter((e) => isScroller(e) && isVisible(e) && e.scrollWidth > e.clientWidth + 1)) {
      const stuck = all("*", scroller).filter((e) => styleOf(e).position === "sticky" && isVisible(e));
      for (const cell of stuck) if (!isOpaque(cell)) found.add(`${where(cell)} is sticky and lets through what passes beneath`);
      for (const share of [0.3, 1]) {
        scroller.scrollLeft = share * (scroller.scrollWidth - scroller.clientWidth);
        for (const cell of stuck) {
          scrollTo({ top: scrollY + cell.getBoundingClientRect().top - innerHeight / 2, behavior: "instant" });
          const top = covers(cell, scroller);
          if (top) found.add(`${where(cell)} is covered by ${where(top)}`);
        }
      }
      scroller.scrollLeft = 0;
    }
    return [...found];
  }

  return { overflow, cutFigures, paleLabels, figureNames, needsScript, foldedInPrint, cutInPrint, overprinted };
})()
