"""The toy world: questions with checkable answers, harmful requests, chat, and the one prompt renderer."""
