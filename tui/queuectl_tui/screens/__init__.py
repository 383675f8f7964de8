"""Views, pages and dialogs of the console."""
