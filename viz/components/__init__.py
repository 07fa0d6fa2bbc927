"""Browser components, one folder each: JavaScript, CSS, and the Python that packs and mounts."""
