import subprocess
import sys

from dashboard import warm


def test_what_pages_need_is_there_once_warm() -> None:
    script = "import sys; from dashboard import warm; warm.load(); print(all(n in sys.modules for n in warm.PACKAGES))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_warming_is_done_once_and_does_not_keep_the_server() -> None:
    thread = warm.warm()
    assert thread is warm.warm() and thread.daemon
