"""The bytes of dvc.lock are those that DVC renders."""

from dvc.utils.serialize import dumps_yaml, load_yaml

from flows.lockfile import read_lock, replace_lock


def test_the_committed_lock_is_rendered_as_dvc_renders_it(root, tmp_path):
    lock = load_yaml(str(root / "dvc.lock"))
    assert len(lock["stages"]) > 20
    replace_lock(tmp_path, lock)
    assert (tmp_path / "dvc.lock").read_text() == dumps_yaml(lock)
    assert read_lock(tmp_path) == lock


def test_a_lock_without_stages_and_no_lock_at_all(tmp_path):
    assert read_lock(tmp_path) == {}
    replace_lock(tmp_path, {"schema": "2.0", "stages": {}})
    assert read_lock(tmp_path) == {"schema": "2.0", "stages": {}}
