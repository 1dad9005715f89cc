"""A recording on the Run view: the same pictures as a live run's, with play, pause, speed and a place to go to."""

import time
from typing import TypeAlias

import streamlit as st

from core.errors import BadValueError
from dashboard import data, recordings, theme
from dashboard.links import linked
from dashboard.pick import pick_one
from dashboard.progress import Progress, progress
from dashboard.recordings import Recording
from dashboard.replay import SPEEDS, Player, length_of, until, usual_speed
from dashboard.run_pictures import pictures
from dashboard.run_result import cost, result
from dashboard.watch import watch

EVERY = 0.5  # seconds
Moment: TypeAlias = tuple[float, Player]  # the clock, and what is played then
PLAYER, PLACE, AT = "player", "place in the recording", "at"


def replay_view(shown: Recording) -> None:
    """The recording, playing or paused."""
    length = length_of(shown.events)
    with st.container(border=True):
        _headline(shown)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if shown.shipped:
                _pick_sample(shown.record.id)
            speed = float(_pick_speed(usual_speed(length)))
        player = _player(shown, length, speed)
        controls_at = st.container()
    first = (time.time(), player)
    playing = _plays(first)

    def draw(seen: Moment) -> None:
        at = seen[1].at(seen[0])
        known = progress(until(shown.events, at), shown.record.config.iterations, _dense(shown))
        st.progress(
            at / length if length else 1.0,
            text=_where(known, at, length, shown.record.config.iterations),
        )
        with st.container():
            if known.finished:
                result(shown.record, known.finished)
        pictures(shown.record, known, live=_plays(seen))
        if known.finished:
            cost(known.finished)

    with controls_at:
        _controls(playing, player)
    watch(first, lambda: (time.time(), st.session_state[PLAYER][1]), lambda seen: EVERY if _plays(seen) else None, draw)


def _plays(seen: Moment) -> bool:
    now, player = seen
    return player.playing and not player.ended(now)


def _where(seen: Progress, at: float, length: float, iterations: int) -> str:
    """What stands on the bar."""
    phase = "Finished" if seen.finished else theme.PHASES.get(seen.phase or "", "Start")
    return f"Recording · {at:.1f} of {length:.1f} s · {phase} · iteration {seen.iteration} of {iterations}"


def _headline(shown: Recording) -> None:
    record = shown.record
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge("Recording", icon=":material/videocam:", color="violet")
        st.markdown(f"**{record.id}**")
    task = data.task_of_run(record)
    where = (
        "It ships with Meta-Vote Studio, and was made for its study." if shown.shipped else "It is one of your runs."
    )
    st.markdown(f"This is a recording of a real run, not a run in progress. {where}")
    st.caption(record.config.label() + (f" · {task.title}" if task else ""))


def _pick_sample(id: str) -> None:
    titles = {id: theme.method_title(one.record.config.method) for id, one in recordings.samples().items()}
    st.session_state["recording to play"] = id
    st.segmented_control(
        "Recording",
        list(titles),
        format_func=lambda id: titles.get(id, id),
        key="recording to play",
        required=True,
        on_change=_other,
        help="The vote on a task, and on the same task the method that prunes round by round.",
    )


def _other() -> None:
    recordings.start_replay(st.session_state["recording to play"])


def _pick_speed(usual: str) -> str:
    """How fast it is played (`?speed=`)."""
    return pick_one(
        "speed",
        "Speed",
        "speed",
        SPEEDS,
        usual,
        in_a_row=True,
        persist_state=None,  # each recording has its own usual one
        help="1× is as fast as the run was.",
    )


def _player(shown: Recording, length: float, speed: float) -> Player:
    """The player of this recording in this session, begun anew for another recording."""
    kept, now = st.session_state.get(PLAYER), time.time()
    if kept and kept[0] != shown.record.id:
        kept, st.session_state[AT] = None, None
    at = _pick_place(length)
    if kept:
        player: Player = kept[1]
    else:
        player = Player(length, speed, touched=now)
        player = player if at is None else player.seek(at, now)
    if player.speed != speed:
        player = player.at_speed(speed, now)
    st.session_state[PLAYER] = (shown.record.id, player)
    return player


def _pick_place(length: float) -> float | None:
    """Where it stands still, in seconds (`?at=`); None while it plays."""

    def check(text: str) -> float | None:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value <= round(length, 1):
            raise BadValueError(f"A place in this recording is from 0 to {length:.1f} seconds, not '{text}'.")
        return round(value, 1)

    place: float | None = linked(AT, None, check, lambda: st.session_state[AT])
    return place


def _controls(playing: bool, player: Player) -> None:
    """Play or pause, from the start, and while paused any place."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if playing:
            st.button("Pause", icon=":material/pause:", type="primary", on_click=_pause, key="play or pause")
        else:
            over = player.ended(time.time())
            label, icon = ("Play again", ":material/replay:") if over else ("Play", ":material/play_arrow:")
            st.button(label, icon=icon, type="primary", on_click=_play, key="play or pause")
        st.button("Prune for yourself", icon=":material/content_cut:", on_click=_leave, key="prune for yourself")
    if not playing:
        st.session_state[PLACE] = round(player.at(time.time()), 1)
        st.slider(
            "Place in the recording",
            0.0,
            max(0.1, round(player.length, 1)),
            step=0.1,
            key=PLACE,
            on_change=_seek,
            format="%.1f s",
        )


def _change(new: Player) -> None:
    st.session_state[PLAYER] = (st.session_state[PLAYER][0], new)
    st.session_state[AT] = None if new.playing else round(new.position, 1)


def _leave() -> None:
    st.session_state["run"] = st.session_state["replay"] = None


def _play() -> None:
    _change(st.session_state[PLAYER][1].play(time.time()))


def _pause() -> None:
    _change(st.session_state[PLAYER][1].pause(time.time()))


def _seek() -> None:
    _change(st.session_state[PLAYER][1].seek(st.session_state[PLACE], time.time()))


def _dense(shown: Recording) -> int | None:
    """Parameters of the unpruned network, which a recording knows from its last event."""
    last = shown.events[-1] if shown.events else None
    return getattr(last, "dense", {}).get("params")
