"""Pictures: arrays in, figures or component payloads out. Knows no model and no page."""
