"""From arguments to an exit code: 0 done, 1 failed, 2 wrong usage; errors are one sentence on stderr."""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence

from core.cli.answer import Answer, UsageError, as_json, console
from core.cli.parser import build_parser
from core.errors import MetaVoteError

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb. Nothing but the verb's answer is printed on stdout, and with `--json` exactly one document."""
    try:
        args = build_parser().parse_args(argv)
    except UsageError as error:
        return _refuse(str(error), WRONG_USAGE)
    except SystemExit as done:  # --help
        return DONE if done.code is None else int(done.code)
    verb: Callable[..., Answer] = args.verb
    try:
        with contextlib.redirect_stdout(sys.stderr):  # whatever a library prints is no part of the answer
            answer = verb(args)
        if args.json:
            print(as_json(answer.document))
        else:
            answer.show(console())
        sys.stdout.flush()
        return answer.code
    except UsageError as error:
        return _refuse(f"{error} (See: {args.program} --help)", WRONG_USAGE)
    except MetaVoteError as error:
        return _refuse(str(error), FAILED)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return _refuse("Stopped.", FAILED)
    except ImportError as error:
        return _refuse(f"{error}: run pip install -e . in the project's folder.", FAILED)
    except OSError as error:
        return _refuse(f"{error.strerror or error}: {error.filename or 'check the disk and its permissions'}.", FAILED)
    except Exception as error:
        if os.environ.get("METAVOTE_DEBUG"):
            raise
        told = f"This should not happen ({type(error).__name__}: {error})"
        return _refuse(f"{told}: report it, with what METAVOTE_DEBUG=1 shows.", FAILED)


def _refuse(sentence: str, code: int) -> int:
    print(" ".join(sentence.split()), file=sys.stderr)
    return code
