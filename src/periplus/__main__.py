"""``python -m periplus`` is the command ``periplus``."""

from periplus.cli import main

# Worker processes import this file under another name.
if __name__ == "__main__":
    raise SystemExit(main())
