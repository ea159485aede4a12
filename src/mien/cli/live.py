"""`mien live`: cameras, streams and files as they go, on a page or as lines for other programs."""

from __future__ import annotations

import math
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.analysis.learn_neutral import chosen_neutral
from mien.analysis.recorded import Recorded
from mien.cli.console import print_error
from mien.cli.live_signals import (
    LiveSensor,
    RestOption,
    SensorTeller,
    SignalsOption,
    TogetherTeller,
    check_sensors,
    parse_live_rest,
    rest_line,
    sensor_line,
)
from mien.cli.live_terminal import (
    Announcer,
    RecordTeller,
    announced,
    check_one,
    is_over,
    pressed_keys,
    recording,
    status_display,
)
from mien.cli.options import (
    DetectorOption,
    FpsOption,
    MinFaceOption,
    NetworkOption,
    PriorOption,
    StoreOption,
)
from mien.cli.serving import (
    AllowHostsOption,
    BrowserOption,
    HostOption,
    PageOption,
    PasswordFileOption,
    PortOption,
    StopAfterOption,
    TlsCertOption,
    TlsKeyOption,
    run_for,
    web_settings,
)
from mien.config import Settings, load_settings
from mien.errors import ConfigError
from mien.live.broadcaster import Mailbox
from mien.live.inputs import PORTRAIT, LiveInput, find_live_inputs, find_profile
from mien.live.live_neutral import MOST_S, LiveNeutral
from mien.live.purpose import MEANINGS, choose_purpose, read_purpose
from mien.live.reading import JsonLines, Reading, write_json_line
from mien.live.session import LiveSession
from mien.neutral import Own
from mien.source import Source, open_live
from mien.source.address import without_secrets

if TYPE_CHECKING:
    from mien.signals.stream.types import SignalReading

_LOOK_S = 0.2
_MARKS = frozenset("123456789")


def live(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="camera:0, rtsp://..., http://..., a file, or portrait. Without one: the browser's camera,"
            " or camera:0 with --no-page.",
        ),
    ] = None,
    page: PageOption = True,
    browser: BrowserOption = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each reading as a line of JSON; needs --no-page.")
    ] = False,
    landmarks: Annotated[bool, typer.Option("--landmarks", help="Add the 68 points to --json.")] = False,
    mqtt: Annotated[
        str | None,
        typer.Option(help="Publish the readings to a broker.", metavar="mqtt://HOST", envvar="MIEN_MQTT"),
    ] = None,
    lsl_out: Annotated[
        str | None,
        typer.Option(
            help="Send the readings by Lab Streaming Layer, in streams whose names begin with NAME.",
            metavar="NAME",
        ),
    ] = None,
    signals: SignalsOption = None,
    rest: RestOption = None,
    purpose: Annotated[
        str | None,
        typer.Option(
            help="What you use it for: self, research, clinic or venue. Your answer is remembered.",
            metavar="NAME",
        ),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="Record for this subject; they must have consented.", metavar="CODE"),
    ] = None,
    store: StoreOption = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", help="A name for each source, in order; may be repeated.", metavar="NAME"),
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Picture size to request from a camera.", metavar="640x480")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Frames per second to request from a camera.", metavar="N")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Settings for a kind of machine: pi.", metavar="NAME")
    ] = None,
    detector: DetectorOption = None,
    network: NetworkOption = None,
    prior: PriorOption = None,
    min_face: MinFaceOption = None,
    fps: FpsOption = None,
    host: HostOption = None,
    port: PortOption = None,
    password_file: PasswordFileOption = None,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
    allow_hosts: AllowHostsOption = None,
    neutral: Annotated[
        str | None,
        typer.Option(
            help="Read the person against their own neutral face: look neutral for the first seconds, or"
            " give a photograph [the subject's stored one, else off]. The page has a button for it; in the"
            " terminal, n learns it for three seconds and o turns it off.",
            metavar="first:3s|PHOTO|off",
        ),
    ] = None,
    stop_after: StopAfterOption = None,
) -> None:
    """Read expressions live, from cameras, streams and files.

    Opens a page on this machine, at http://127.0.0.1:8470. With --no-page it runs in the terminal; with
    --json as well it prints one line for each reading, for other programs. No picture is stored, and none
    leaves the machine. With --subject the readings of one face are stored in that subject's record.
    With --signals the body is read beside the face, from sensors.

    Example: mien live camera:0 --no-page --json
    """
    if page and as_json:
        raise ConfigError("--json prints to the terminal: add --no-page")
    if landmarks and not as_json:
        raise ConfigError("--landmarks needs --json, whose lines it adds to")
    if rest is not None and not signals:
        raise ConfigError("--rest is for the body: add a sensor with --signals")
    chosen = find_profile(profile)
    inputs = find_live_inputs(sources or ([] if page else ["camera:0"]), names or ())
    sensors = check_sensors(signals or (), [each.name for each in inputs])
    rest_s = parse_live_rest(rest)
    options = {
        "detector": detector, "network": network, "prior": prior, "min_face_px": min_face, "fps": fps,
    }  # fmt: skip
    given = {name: value for name, value in options.items() if value is not None}
    settings = load_settings(**{**chosen.settings, **given})
    asked = {
        "size_wh": chosen.size_wh if size is None else _size(size),
        "rate_hz": chosen.rate_hz if rate is None else rate,
        "fps": settings.fps,
    }
    show_page = (
        _page(browser, host, port, password_file, tls_cert, tls_key, allow_hosts, store) if page else None
    )
    _settle_purpose(purpose, inputs)
    if store is not None and subject is None and not page:
        raise ConfigError("with --no-page, --store needs --subject: without a subject nothing is stored")
    neutrals = _neutrals(neutral, settings, subject, store)
    code = _run(
        inputs, sensors, settings, asked, show_page, neutrals, rest_s=rest_s,
        mqtt=mqtt, lsl_out=lsl_out, subject=subject, store=store,
        as_json=as_json, landmarks=landmarks, stop_after=stop_after,
    )  # fmt: skip
    raise typer.Exit(code)


def _run(
    inputs: Sequence[LiveInput], sensors: Sequence[LiveSensor], settings: Settings, asked: dict[str, Any],
    show_page: Callable[[LiveSession], None] | None, neutrals: Callable[[], LiveNeutral],
    *, rest_s: tuple[float, float] | None, mqtt: str | None, lsl_out: str | None,
    subject: str | None, store: str | None,
    as_json: bool, landmarks: bool, stop_after: float | None,
) -> int:  # fmt: skip
    """Read the sources until they or somebody ends it; return the exit code, once everything is written."""
    with ExitStack() as stack:
        teller = recorder = None
        if subject is not None:
            check_one(inputs)
            recorder = stack.enter_context(recording(subject, store, settings))
            teller = RecordTeller(recorder)
        session = LiveSession(settings, recorder=recorder, rest_s=rest_s)
        sensor_teller = SensorTeller()
        announcer = _announcer(
            mqtt,
            lsl_out,
            teller,
            show_page is not None,
            lambda: sensor_teller.look(session.signal_statuses()),
        )
        together = TogetherTeller(session, as_json=as_json)
        stack.callback(together.end)
        stack.callback(lambda: announcer.look(session.statuses()))
        stack.callback(session.close)
        if mqtt is not None:
            from mien.live.mqtt import MqttSink

            stack.enter_context(
                closing(
                    MqttSink(
                        mqtt, session.broadcaster, session.statuses,
                        signals=session.signals, signal_statuses=session.signal_statuses,
                    )
                )
            )  # fmt: skip
        if lsl_out is not None:
            from mien.live.lsl_out import LslSink

            stack.enter_context(
                closing(
                    LslSink(
                        lsl_out, session.broadcaster, session.statuses,
                        signals=session.signals, signal_statuses=session.signal_statuses,
                    )
                )
            )  # fmt: skip
        box = stack.enter_context(session.broadcaster.subscribe())
        for each in inputs:
            session.add(
                each.name,
                _opener(each, asked),
                where=each.shown,
                restart=each.restarts,
                neutral=neutrals(),
            )
        body = stack.enter_context(session.signals.subscribe())
        for sensor in sensors:
            sensor.add(session)
        if show_page is not None:
            box.close()
            body.close()
            with announced(announcer, session.statuses):
                run_for(stop_after, lambda: show_page(session))
            code = 0
        else:
            code = _followed(
                session, box, body, announcer, teller, sensor_teller, together,
                as_json=as_json, landmarks=landmarks, stop_after=stop_after,
            )  # fmt: skip
    return code or _failed(teller)


def _neutrals(
    text: str | None, settings: Settings, subject: str | None, store: str | None
) -> Callable[[], LiveNeutral]:
    """Check what was asked for, before a camera is opened; return what makes each source's."""
    recorded = None if subject is None else Recorded(subject, store)
    found = chosen_neutral(text, settings, recorded)
    if found is None:
        return LiveNeutral
    if found.rest is not None:
        own = Own(found.rest, found.kind)
        return lambda: LiveNeutral(own)
    if found.kind != "first" or found.seconds > MOST_S:
        raise ConfigError(
            f"neutral: a live source takes first:3s with up to {MOST_S:g} seconds, a photograph or off,"
            f" received {text!r}"
        )
    return lambda: LiveNeutral(learn_s=found.seconds)


def _failed(teller: RecordTeller | None) -> int:
    return int(teller is not None and teller.failed)


def _size(size: str) -> tuple[int, int]:
    if (match := re.fullmatch(r"([1-9]\d{0,4})[x×]([1-9]\d{0,4})", size)) is None:
        raise ConfigError(f"size: expected WIDTHxHEIGHT, as in 640x480, received {size!r}")
    return int(match[1]), int(match[2])


def _opener(each: LiveInput, asked: dict[str, Any]) -> Callable[[], Source]:
    def opened() -> Source:
        return open_live(each.where, name=each.name, **asked)

    return opened


def _page(
    open_browser: bool, host: str | None, port: int | None,
    password_file: Path | None, tls_cert: Path | None, tls_key: Path | None,
    allow_hosts: Sequence[str] | None, store: str | None,
) -> Callable[[LiveSession], None]:  # fmt: skip
    """Check what the page needs, before a camera is opened; return what shows it."""
    from mien.web.serve import run_page

    settings = web_settings(host, port, password_file, tls_cert, tls_key, allow_hosts)
    return lambda session: run_page(session, settings, open_browser, store=store)


def _settle_purpose(purpose: str | None, inputs: list[LiveInput]) -> None:
    """See to it that a purpose is chosen before the first picture of somebody is taken.

    Without a source it is the browser's camera, for which the page asks; the portrait shows nobody who is
    there.
    """
    if purpose is not None:
        choose_purpose(purpose)
    elif any(each.kind != PORTRAIT for each in inputs) and read_purpose() is None:
        choose_purpose(_ask_purpose())


def _ask_purpose() -> str:
    if not _at_terminal():
        choices = ", ".join(f"{name} ({meaning})" for name, meaning in MEANINGS.items())
        raise ConfigError(f"say once what you use this for, with --purpose: {choices}")
    typer.echo("Mien reads the pictures in memory. None is stored, and none leaves this machine.", err=True)
    typer.echo("What do you use it for? You are asked only once.", err=True)
    for name, meaning in MEANINGS.items():
        typer.echo(f"  {name:9} {meaning}", err=True)
    answer: str = typer.prompt("Purpose", err=True)
    return answer.strip().lower()


def _at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _announcer(
    mqtt: str | None,
    lsl_out: str | None,
    teller: RecordTeller | None,
    page: bool,
    sensors: Callable[[], None],
) -> Announcer:
    nobodys = "nothing is stored unless you record on the page" if page else "nothing is stored"
    stored = nobodys if teller is None else teller.promise
    where = [] if mqtt is None else [without_secrets(mqtt)]
    if lsl_out is not None:
        where.append("whoever is on this network, by LSL")
    if where:
        promise = f"{stored}, readings but no pictures go to {' and to '.join(where)}"
    else:
        promise = f"{stored}, nothing leaves this machine"
    if teller is None:
        return Announcer(promise, sensors)

    def look() -> None:
        teller.look()
        sensors()

    return Announcer(promise, look)


def _followed(session: LiveSession, box: Mailbox[Reading], *others: Any, **how: Any) -> int:
    """Follow, and take it well when the reader has gone (`mien live ... | head`)."""
    try:
        return _follow(session, box, *others, **how)
    except BrokenPipeError:
        # What Python flushes at its end must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _obey(session: LiveSession, key: str) -> None:
    """Do what a key says.

    n learns the neutral face of who is before each source, o forgets it; r lets the rest begin of the person
    who wears the sensors; m, and 1 to 9, set a mark in the recording.
    """
    if key == "m" or key in _MARKS:
        _mark(session, key)
    if key == "r" and session.signal_statuses():
        session.rest.mark(session.machine_clock().now())
    for status in session.statuses() if key in ("n", "o") else []:
        try:
            neutral = session.neutral_of(status.name)
        except ConfigError as error:
            print_error(str(error))
            return
        if key == "n":
            neutral.learn()
        else:
            neutral.forget()


def _mark(session: LiveSession, key: str) -> None:
    """Set a mark at this moment, named by the key: an experiment tells its conditions by the digits."""
    recorder, text, now_s = session.recorder, "Mark" if key == "m" else f"Mark {key}", time.time()
    if recorder is not None and recorder.mark(text, at_s=now_s, source="key"):
        typer.echo(f"mien: {text} at {time.strftime('%H:%M:%S', time.localtime(now_s))}", err=True)
    else:
        print_error("there is no recording to set a mark in: begin one with --subject")


def _follow(
    session: LiveSession, box: Mailbox[Reading], body: Mailbox[SignalReading], announcer: Announcer,
    teller: RecordTeller | None, sensor_teller: SensorTeller, together: TogetherTeller,
    *, as_json: bool, landmarks: bool, stop_after: float | None,
) -> int:  # fmt: skip
    """Print what comes until all sources are over, or the time is up; return the exit code."""
    end_s = math.inf

    def more() -> list[str]:
        latest, sensors = session.signals.latest(), session.signal_statuses()
        for name in latest:
            sensor_teller.heard(name, lambda: sensors)
        shown = [sensor_line(each, latest.get(each.name)) for each in sensors]
        return [*shown, *rest_line(sensors), *([] if teller is None else teller.lines())]

    with ExitStack() as stack:
        lines = JsonLines(sys.stdout, landmarks=landmarks) if as_json else None
        show = None if as_json else stack.enter_context(status_display(more))
        keys = list if as_json else stack.enter_context(pressed_keys())
        statuses, due_s = session.statuses(), 0.0
        while (now_s := monotonic()) < end_s:
            for key in keys():
                _obey(session, key)
            if now_s >= due_s:
                due_s, statuses = now_s + _LOOK_S, session.statuses()
                announcer.look(statuses)
                together.look()
                if stop_after is not None and all(status.state != "opening" for status in statuses):
                    end_s = min(end_s, now_s + stop_after)
                if show is not None:
                    show(statuses, session.broadcaster.latest())
            over = all(map(is_over, statuses))
            reading = box.take(0 if over else min(_LOOK_S, end_s - now_s))
            _tell_body(session, body, sensor_teller, as_json=as_json)
            if reading is None and over:
                break
            if reading is not None and lines is not None:
                announcer.heard(reading.source, session.statuses)
                lines.write(reading)
    return int(any(is_over(status) and status.state != "ended" for status in statuses))


def _tell_body(
    session: LiveSession, body: Mailbox[SignalReading], teller: SensorTeller, *, as_json: bool
) -> None:
    """Print what is new from the sensors: new figures, notes and marks."""
    while (reading := body.take(0)) is not None:
        teller.heard(reading.source, session.signal_statuses)
        if not as_json:
            teller.notes(reading)
        elif reading.fresh or reading.notes or reading.marks:
            write_json_line(sys.stdout, reading.as_dict(waves=False))
