"""A turn in a widget of the page that shows the notebook."""
