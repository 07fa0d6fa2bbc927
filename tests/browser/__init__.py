"""What a person sees and does: these tests drive Chromium against the running app."""
