"""python -m tunesmith: python train.py from any folder; outputs/ appears in the folder of the call."""

from tunesmith.cli import main

if __name__ == "__main__":
    main()
