"""Views, pages and dialogs."""
