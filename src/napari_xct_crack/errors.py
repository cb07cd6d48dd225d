"""What a user can put right. Anything else that is raised is a bug and keeps its traceback."""


class XctCrackError(Exception):
    """Base of every error whose text tells the user, in one sentence, what is wrong and what would be right."""


class InputError(XctCrackError):
    """A file, folder or array cannot be read as what was asked for."""


class OutputError(XctCrackError):
    """A result cannot be written: it exists, the folder is read-only, the disk is full."""


class SettingsError(XctCrackError):
    """A setting has a value that cannot be obeyed."""


class BusyError(XctCrackError):
    """Another process owns the run or the store."""
