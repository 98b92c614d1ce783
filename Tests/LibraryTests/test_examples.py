"""Tests of the programs of examples/c that talk to a terminal, a socket or each other.

EXAMPLES is the folder of the built programs, MODEL a model of names with the ends of documents.
"""

from __future__ import annotations

import fcntl
import os
import pathlib
import pty
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import unittest

EXAMPLES = pathlib.Path(os.environ["EXAMPLES"])
MODEL = os.environ["MODEL"]
NAMES = pathlib.Path(__file__).resolve().parent.parent.parent / "examples" / "place-names.txt"
# The longest that a program may take, valgrind and a busy machine included.
SECONDS = 60


def run(name: str, *arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([EXAMPLES / name, *arguments], input=data, capture_output=True, timeout=SECONDS)


class CompressTests(unittest.TestCase):
    def test_any_bytes_come_back(self) -> None:
        random.seed(1)
        for data in (
            b"", b"\n", b"a", bytes(range(256)), random.randbytes(2000), "中文 é😀\u0301".encode() * 20,
            b"\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80\xe2\x82", NAMES.read_bytes(),
        ):
            packed = run("compress", MODEL, data=data)
            self.assertEqual((packed.returncode, packed.stderr), (0, b""))
            self.assertEqual(run("compress", "-d", MODEL, data=packed.stdout).stdout, data)

    def test_text_like_the_models_becomes_small(self) -> None:
        names = NAMES.read_bytes()
        self.assertLess(len(run("compress", MODEL, data=names).stdout), len(names) // 3)

    def test_damage_is_noticed(self) -> None:
        names = NAMES.read_bytes()[:1000]
        packed = run("compress", MODEL, data=names).stdout
        random.seed(2)
        for _ in range(40):
            damaged = bytearray(packed)
            damaged[random.randrange(len(packed) - 1)] ^= 1 << random.randrange(8)
            shortened = packed[: random.randrange(len(packed) - 1)]
            for data in (bytes(damaged), shortened, b"cgc1" + random.randbytes(50)):
                result = run("compress", "-d", MODEL, data=data)
                self.assertEqual(result.returncode, 1)
                self.assertIn(b"damaged", result.stderr)


class SurprisingTests(unittest.TestCase):
    def test_the_lines_that_are_least_like_the_models_come_first(self) -> None:
        log = b"Alfa\nNorburg\nBrockstoke\ncaf\xe9\nxqzzkxqzzk\n" + NAMES.read_bytes()[:500]
        result = run("surprising", MODEL, "2", data=log)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertEqual([line.split()[1] for line in result.stdout.splitlines()], [b"caf\xe9", b"xqzzkxqzzk"])

    def test_no_lines_are_no_failure(self) -> None:
        result = run("surprising", MODEL)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b"", b""))


class PatternTests(unittest.TestCase):
    def test_every_line_matches(self) -> None:
        for expression in ("[A-Z][a-z]{2,5}", "(North|South|East)[a-z]+ ?[A-Z]?", "[0-9A-Z]*"):
            result = run("pattern", MODEL, expression, "50")
            self.assertEqual((result.returncode, result.stderr), (0, b""))
            lines = result.stdout.decode().split("\n")[:-1]
            self.assertEqual(len(lines), 50)
            for line in lines:
                self.assertRegex(line, f"\\A(?:{expression})\\Z")


class SaveTests(unittest.TestCase):
    def test_many_runs_give_the_text_of_one(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            whole = run("save", MODEL, f"{folder}/whole", "12")
            parts = [run("save", MODEL, f"{folder}/parts", "1").stdout for _ in range(12)]
            self.assertTrue(whole.stdout)
            self.assertTrue(b"".join(parts).startswith(whole.stdout))


class CompleteTests(unittest.TestCase):
    """The program on a terminal of its own."""

    def setUp(self) -> None:
        self.keyboard, self.terminal = pty.openpty()
        self.before = termios.tcgetattr(self.terminal)
        self.output = b""

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(self.terminal, termios.TIOCSCTTY, 0)

        self.program = subprocess.Popen(
            [EXAMPLES / "complete", MODEL], stdin=self.terminal, stdout=self.terminal, stderr=self.terminal,
            preexec_fn=take_terminal)
        self.wait_for(b"\x1b8")

    def tearDown(self) -> None:
        self.program.kill()
        self.program.wait()
        os.close(self.keyboard)
        os.close(self.terminal)

    def wait_for(self, expected: bytes) -> bytes:
        """What the program shows until it has shown `expected`."""
        end = time.monotonic() + SECONDS
        while expected not in self.output:
            self.assertLess(time.monotonic(), end, self.output)
            if select.select([self.keyboard], [], [], 0.1)[0]:
                self.output += os.read(self.keyboard, 4096)
        shown, _, self.output = self.output.partition(expected)
        return shown

    def type(self, keys: bytes) -> bytes:
        os.write(self.keyboard, keys)
        return self.wait_for(b"\x1b8")

    def test_tab_takes_the_continuation_and_enter_begins_another_line(self) -> None:
        shown = self.type(b"N")
        line, _, rest = shown.partition(b"\x1b7")
        self.assertEqual(line, b"\r\x1b[KN")
        continuation = rest[len(b"\x1b[2m") :].split(b"   ")[0]
        self.assertGreater(len(continuation), 2)
        self.assertIn(b"%", rest)
        self.assertTrue(self.type(b"\t").startswith(b"\r\x1b[KN" + continuation + b"\x1b7"))
        self.assertTrue(self.type(b"\x7f").startswith(b"\r\x1b[KN" + continuation[:-1] + b"\x1b7"))
        shown = self.type(b"\n")
        self.assertTrue(shown.startswith(b"\r\x1b[KN" + continuation[:-1] + b"\r\n\r\x1b[K\x1b7"))

    def test_arrows_and_unknown_characters_leave_the_line_as_it_is(self) -> None:
        self.type(b"N")
        self.assertTrue(self.type(b"\x1b[A\x1b[3~o").startswith(b"\r\x1b[KNo\x1b7"))
        self.assertTrue(self.type("中".encode()).startswith(b"\x07\r\x1b[KNo\x1b7"))

    def test_ctrl_c_leaves_the_terminal_as_it_was(self) -> None:
        self.assertNotEqual(termios.tcgetattr(self.terminal), self.before)
        os.write(self.keyboard, b"N\x03")
        self.assertEqual(self.program.wait(SECONDS), -signal.SIGINT)
        self.assertEqual(termios.tcgetattr(self.terminal), self.before)

    def test_ctrl_d_does_so_too(self) -> None:
        os.write(self.keyboard, b"N\x04")
        self.assertEqual(self.program.wait(SECONDS), 0)
        self.assertEqual(termios.tcgetattr(self.terminal), self.before)

    def test_without_a_terminal_it_says_so(self) -> None:
        result = run("complete", MODEL)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"terminal", result.stderr)


class ServerTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = f"{folder.name}/socket"
        self.server = subprocess.Popen([EXAMPLES / "server", MODEL, self.path])
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)

    def connect(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(SECONDS)
        end = time.monotonic() + SECONDS
        while True:
            try:
                client.connect(self.path)
                return client
            except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
                self.assertLess(time.monotonic(), end)
                time.sleep(0.01)

    def test_clients_join_and_leave(self) -> None:
        clients = [self.connect() for _ in range(30)]
        for client in clients:
            client.sendall(b"No")
        for client in clients:
            client.sendall(b"\n")
        for client in clients[::3]:
            client.close()
        answers = set()
        for client in clients[1::3] + clients[2::3]:
            answer = client.makefile("rb").readline()
            self.assertTrue(answer.startswith(b"No") and answer.endswith(b"\n"), answer)
            answers.add(answer)
        self.assertGreater(len(answers), 10)
        last = self.connect()
        last.sendall(b"\xff\nBr\nBr\nBr")
        last.shutdown(socket.SHUT_WR)
        lines = last.makefile("rb").read().splitlines()
        self.assertEqual(lines[0], b"the text is not UTF-8 at byte 0")
        self.assertEqual([line[:2] for line in lines[1:]], [b"Br", b"Br"])
        self.server.send_signal(signal.SIGINT)
        self.assertEqual(self.server.wait(SECONDS), 0)
        self.assertFalse(os.path.exists(self.path))

    def test_a_client_that_does_not_read_delays_no_other(self) -> None:
        silent, other = self.connect(), self.connect()
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        silent.setblocking(False)
        try:
            while True:
                silent.send(b"N\n" * 1000)
        except BlockingIOError:
            pass
        for _ in range(20):
            other.sendall(b"Br\n")
            self.assertTrue(other.makefile("rb").readline().startswith(b"Br"))


if __name__ == "__main__":
    sys.exit(unittest.main())
