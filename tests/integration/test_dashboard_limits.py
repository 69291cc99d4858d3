"""Each bound of the server: what is inside it, and what happens beyond."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import fields
from typing import Any

import pytest

from cloudplow_dashboard.server import limits as limits_module
from cloudplow_dashboard.server.asked import Asked, Refusal
from cloudplow_dashboard.server.connections import Clients, Connections
from cloudplow_dashboard.server.limits import SLICE_BYTES, WORKERS, Limits
from cloudplow_dashboard.server.pool import Answer, Pool, environ_of
from cloudplow_dashboard.server.refusing import refuse
from cloudplow_dashboard.web.route import Access
from tests.unit.dashboard.helpers import Clock

READ, DOWNLOAD = Access("read"), Access("read", is_download=True)


def test_the_bounds_are_these() -> None:
    known = {one.name: getattr(Limits(), one.name) for one in fields(Limits)}

    assert known == {
        "viewers": 1100,
        "connections": 1500,
        "accepted_at_once": 64,
        "client_connections": 100,
        "coalesce": 0.02,
        "stuck": 10.0,
        "keep_alive": 15,
        "sweep": 1.0,
        "head": 10.0,
        "linger": 2.0,
        "linger_bytes": 1 << 20,
        "queue": 100,
        "downloads": 4,
        "answer": 60.0,
        "unsent_bytes": 64 << 20,
        "client_unsent_bytes": 16 << 20,
    }
    assert (limits_module.BACKLOG, WORKERS) == (256, 2)


class Line:
    """A connection that remembers whether it was cut."""

    def __init__(self) -> None:
        self.cut = False
        self.transport: Any = self

    def abort(self) -> None:
        self.cut = True


def nobody(_address: str) -> bool:
    return False


def connections(clock: Clock, **bounds: Any) -> Connections:
    limits = Limits(**bounds)
    return Connections(limits, Clients(limits.client_connections, nobody), clock)


def test_head_a_connection_that_owes_a_request_for_too_long_is_cut() -> None:
    clock = Clock()
    known = connections(clock, head=10.0)
    first, second, busy = Line(), Line(), Line()
    for line in (first, second, busy):
        assert known.open(line, "127.0.0.1")
    known.works(busy)
    clock.now += 6
    known.waits(second)
    clock.now += 4
    known.sweep()
    assert [one.cut for one in (first, second, busy)] == [True, False, False]

    known.waits(busy)
    clock.now += 6
    known.sweep()
    assert [one.cut for one in (second, busy)] == [True, False]
    assert len(known) == 1


def test_connections_who_waits_longest_makes_room_and_who_works_does_not() -> None:
    clock = Clock()
    known = connections(clock, connections=3)
    lines = [Line() for _ in range(3)]
    for line in lines:
        known.open(line, "127.0.0.1")
    known.works(lines[0])

    later = [Line(), Line()]
    assert [known.open(line, "127.0.0.1") for line in later] == [True, True]
    assert [one.cut for one in lines] == [False, True, True]
    for line in later:
        known.works(line)
    assert not known.open(Line(), "127.0.0.1")
    known.close(later[0])
    assert known.open(Line(), "127.0.0.1")
    assert len(known) == 3


def test_client_connections_are_counted_for_each_client() -> None:
    known = connections(Clock(), client_connections=2)
    lines = [Line() for _ in range(3)]

    assert [known.open(line, "203.0.113.7") for line in lines] == [True, True, False]
    assert known.open(Line(), "203.0.113.8")
    known.close(lines[2])
    known.close(lines[0])
    assert known.open(Line(), "203.0.113.7")
    assert not known.open(Line(), "203.0.113.7")


def test_client_connections_who_has_too_many_is_not_let_in_at_the_cost_of_others() -> None:
    known = connections(Clock(), client_connections=2, connections=3)
    others, own = Line(), [Line() for _ in range(2)]
    for line in (others, *own):
        assert known.open(line, "203.0.113.8" if line is others else "203.0.113.7")

    assert not known.open(Line(), "203.0.113.7")
    assert not others.cut
    assert len(known) == 3


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::4", True),
        ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("203.0.113.7", "203.0.113.8", False),
    ],
)
def test_a_client_is_an_address_or_a_network_that_one_customer_has(first: str, second: str, same: bool) -> None:
    clients = Clients(1, nobody)

    assert clients.enter(first)
    assert clients.enter(second) is not same


def test_this_machine_and_proxies_are_not_counted_and_nothing_is_remembered_of_who_has_left() -> None:
    clients = Clients(1, lambda address: address == "10.0.0.2")
    for address in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.0.0.2", "", "unix:"):
        assert all(clients.enter(address) for _ in range(5))
        clients.leave(address)
    for number in range(1000):
        address = f"203.0.{number % 250}.{number // 250}"
        assert clients.enter(address)
        clients.leave(address)

    assert len(clients) == 0


# --- answers ---


def scope(**more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "method": "GET",
        "http_version": "1.1",
        "raw_path": b"/api/%C3%BC",
        "path": "/api/ü",
        "query_string": b"a=%20",
        "scheme": "https",
        "server": ("127.0.0.1", 47949),
        "client": ("203.0.113.7", 5),
        "headers": [(b"host", b"x"), (b"accept", b"a"), (b"accept", b"b"), (b"content-length", b"0")],
    }
    return values | more


class Client:
    """Asks, and reads as a test lets it."""

    def __init__(self, reads: Callable[[], Awaitable[None]] | None = None) -> None:
        self.sent: list[Any] = []
        self.gone = asyncio.Event()
        self.disconnected = False
        self._reads = reads
        self._asked = False

    async def receive(self) -> Any:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if self._reads is not None:
            await self._reads()
        self.sent.append(message)


class App:
    """A WSGI application that waits for the test."""

    def __init__(self, body: list[bytes], *, waits: bool = False) -> None:
        self.body = body
        self.calls = 0
        self.closed = 0
        self.go = threading.Event()
        if not waits:
            self.go.set()

    def __call__(self, _environ: Any, start_response: Any) -> Any:
        self.calls += 1
        self.go.wait(20)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return self

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.body)

    def close(self) -> None:
        self.closed += 1


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


async def stuck_reader() -> None:
    await asyncio.Event().wait()


def play(
    app: App, script: Callable[[Pool], Awaitable[None]], exempt: Callable[[str], bool] = nobody, **bounds: Any
) -> None:
    async def run() -> None:
        pool = Pool(app, Limits(**bounds), exempt)
        try:
            await script(pool)
            assert (pool.queued, pool.downloads, pool.unsent_bytes) == (0, 0, 0)
        finally:
            app.go.set()
            await asyncio.to_thread(pool.executor.shutdown)

    asyncio.run(run())


def ask(
    pool: Pool, client: Client, access: Access = READ, address: str = "203.0.113.7", **more: Any
) -> asyncio.Task[Refusal | None]:
    asked = scope(client=(address, 5), **more)
    return asyncio.create_task(pool.answer(asked, access, client.receive, client.send))


def test_an_answer_comes_in_slices_with_its_length() -> None:
    app = App([b"x" * (SLICE_BYTES + 1), b"", b"y"])

    async def script(pool: Pool) -> None:
        client = Client()
        assert await ask(pool, client) is None
        assert client.sent[0]["headers"] == [(b"content-type", b"text/plain"), (b"content-length", b"65538")]
        assert [len(one["body"]) for one in client.sent[1:]] == [SLICE_BYTES, 1, 1, 0]
        assert [one["more_body"] for one in client.sent[1:]] == [True, True, True, False]
        head = Client()
        await ask(pool, head, method="HEAD")
        assert head.sent[0]["headers"] == [(b"content-type", b"text/plain")]

    play(app, script)
    assert app.closed == 2


def test_queue_beyond_it_requests_are_turned_away() -> None:
    app = App([b"x"], waits=True)

    async def script(pool: Pool) -> None:
        waiting = [ask(pool, Client()) for _ in range(5)]
        await until(lambda: pool.queued == 5 and app.calls == WORKERS)
        refusal = await ask(pool, Client())
        assert refusal is not None
        assert (refusal.status, refusal.code, dict(refusal.headers)) == (503, "busy", {"Retry-After": "2"})
        app.go.set()
        assert await asyncio.gather(*waiting) == [None] * 5

    play(app, script, queue=5)
    assert app.calls == 5


def test_who_has_gone_is_not_worked_for() -> None:
    app = App([b"x"], waits=True)

    async def script(pool: Pool) -> None:
        clients = [Client() for _ in range(20)]
        waiting = [ask(pool, client) for client in clients]
        await until(lambda: app.calls == WORKERS)
        for client in clients:
            client.gone.set()
        assert await asyncio.gather(*waiting) == [None] * 20
        assert all(client.sent == [] for client in clients)
        left_at_once = Client()
        left_at_once.disconnected = True
        app.go.set()
        assert await ask(pool, left_at_once) is None

    play(app, script)
    assert app.calls == WORKERS


def test_who_leaves_in_the_middle_of_an_answer_is_sent_no_more_of_it() -> None:
    async def script(pool: Pool) -> None:
        client = Client()

        async def leave() -> None:
            client.disconnected = len(client.sent) > 2

        client._reads = leave
        await ask(pool, client)
        assert len(client.sent) == 4

    play(App([b"x"] * 100), script)


def test_a_thread_is_taken_until_it_has_finished_whoever_waits_for_it() -> None:
    app = App([b"x"], waits=True)

    async def script(pool: Pool) -> None:
        for _ in range(3):
            clients = [Client() for _ in range(WORKERS)]
            waiting = [ask(pool, client) for client in clients]
            await until(lambda: pool.queued == WORKERS)
            await asyncio.sleep(0.01)
            for client in clients:
                client.gone.set()
            await asyncio.gather(*waiting)
        assert app.calls == WORKERS

    play(app, script)


def test_downloads_are_made_a_few_at_a_time_and_other_answers_go_on() -> None:
    app = App([b"x"], waits=True)

    async def script(pool: Pool) -> None:
        waiting = [ask(pool, Client(), DOWNLOAD) for _ in range(4)]
        await until(lambda: pool.downloads == 4)
        refusal = await ask(pool, Client(), DOWNLOAD)
        assert refusal is not None
        assert (refusal.status, "Retry-After" in refusal.headers) == (503, True)
        waiting.append(ask(pool, Client()))
        app.go.set()
        assert await asyncio.gather(*waiting) == [None] * 5

    play(app, script)


def test_unsent_bytes_are_bounded_in_all_and_for_each_client() -> None:
    app = App([b"x" * 1000])

    async def script(pool: Pool) -> None:
        slow = [ask(pool, Client(stuck_reader)) for _ in range(2)]
        await until(lambda: pool.unsent_bytes == 2000)
        same = await ask(pool, Client())
        other = Client()
        assert await ask(pool, other, address="203.0.113.8") is None
        more = ask(pool, Client(stuck_reader), address="203.0.113.9")
        await until(lambda: pool.unsent_bytes == 3000)
        third = await ask(pool, Client(), address="203.0.113.10")
        assert same is not None
        assert third is not None
        assert (same.status, third.status) == (503, 503)
        assert await asyncio.gather(*slow, more) == [None] * 3

    play(app, script, unsent_bytes=3500, client_unsent_bytes=2000, stuck=0.2)


@pytest.mark.parametrize("bounds", [{"stuck": 0.02}, {"answer": 0.5}], ids=["stuck", "answer"])
def test_stuck_and_answer_who_does_not_read_is_given_up(bounds: dict[str, Any]) -> None:
    async def script(pool: Pool) -> None:
        client = Client(stuck_reader)
        assert await ask(pool, client) is None
        assert client.sent == []

    play(App([b"x" * 10]), script, **bounds)


def test_answer_who_reads_a_little_at_a_time_is_given_up_in_the_end() -> None:
    async def slowly() -> None:
        await asyncio.sleep(0.02)

    async def script(pool: Pool) -> None:
        client = Client(slowly)
        await ask(pool, client)
        assert client.sent
        assert client.sent[-1]["more_body"]

    play(App([b"x"] * 1000), script, answer=0.5)


def test_answer_a_view_that_hangs_is_given_up() -> None:
    async def script(pool: Pool) -> None:
        refusal = await ask(pool, Client())
        assert refusal is not None
        assert refusal.status == 503

    play(App([b"x"], waits=True), script, answer=0.02)


def test_a_fault_of_the_application_is_logged_and_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(App):
        def __call__(self, _environ: Any, start_response: Any) -> Any:
            raise RuntimeError("secret detail")

    async def script(pool: Pool) -> None:
        refusal = await ask(pool, Client())
        assert refusal is not None
        assert (refusal.status, "secret" in refusal.message) == (500, False)

    play(Broken([]), script)
    assert "secret detail" in caplog.text


def test_a_request_is_what_wsgi_says() -> None:
    environ = environ_of(scope())

    assert environ["PATH_INFO"].encode("latin-1") == "/api/ü".encode()
    assert (environ["QUERY_STRING"], environ["wsgi.url_scheme"], environ["REMOTE_ADDR"]) == (
        "a=%20",
        "https",
        "203.0.113.7",
    )
    assert (environ["HTTP_ACCEPT"], environ["CONTENT_LENGTH"], environ["SERVER_PORT"]) == ("a,b", "0", "47949")
    assert environ["wsgi.input"].read() == b""
    assert environ_of(scope(server=None, client=None))["REMOTE_ADDR"] == ""


def test_an_empty_answer_is_one_slice() -> None:
    assert list(Answer(204, [], []).slices()) == [b""]
    assert list(Answer(200, [], [b"ab", b"c"]).slices()) == [b"ab", b"c"]


@pytest.mark.parametrize(
    ("pieces", "read"), [([], 0), ([b"x" * 10] * 3, 3), ([b"x" * 600] * 100, 2)], ids=["never", "all", "endless"]
)
def test_linger_a_refused_body_is_read_for_a_moment_and_to_a_bound(pieces: list[bytes], read: int) -> None:
    asked = Asked("POST", b"/", headers=((b"content-length", b"100"),))
    left = list(pieces)
    sent: list[Any] = []

    async def receive() -> Any:
        if not left:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": left.pop(0), "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    limits = Limits(linger=0.02, linger_bytes=1000)
    asyncio.run(refuse(asked, Refusal(413, "body_not_taken", "no"), receive, send, limits))

    assert len(pieces) - len(left) == read
    assert (sent[0]["status"], sent[-1]["more_body"]) == (413, False)
    assert (b"connection", b"close") in sent[0]["headers"]


def test_stuck_a_refusal_that_nobody_reads_is_given_up() -> None:
    class Stuck(asyncio.Transport):
        aborted = 0

        def abort(self) -> None:
            Stuck.aborted += 1

    class Cycle:
        transport = Stuck()

        async def send(self, _message: Any) -> None:
            await asyncio.Event().wait()

        async def receive(self) -> Any:
            await asyncio.Event().wait()

    cycle = Cycle()
    refusal = Refusal(404, "not_found", "no")
    limits = Limits(stuck=0.02, linger=0.01)
    asyncio.run(refuse(Asked("GET", b"/"), refusal, cycle.receive, cycle.send, limits))

    assert Stuck.aborted == 1
