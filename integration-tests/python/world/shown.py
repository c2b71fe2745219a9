"""What the programs print."""


def show(name, function):
    """Print what a function returns and of what class it is, or what it raises."""
    try:
        value = function()
    except Exception as error:
        print(name, "raised", type(error).__name__, error)
    else:
        print(name, type(value).__name__, value)
