import numpy as np
import pytest

from core.channels.selection import Selection, chance_overlap
from core.voting import Ballot, Votes, select, votes
from core.zoo.zoo import Zoo, ballots
from dashboard import theme
from dashboard.figures import groups, overlaps, pictures, similarities, task_map
from dashboard.figures import votes as vote_figures
from dashboard.figures.untrained import untrained_curve
from dashboard.takeaways import votes_takeaway

SIZES = {"a": 6, "b": 4}


def ballot(task: str, a: tuple[int, ...], b: tuple[int, ...] = (0,)) -> Ballot:
    importance = {group: np.arange(size, dtype=float) for group, size in SIZES.items()}
    return Ballot(task, Selection({"a": a, "b": b}, SIZES), 0.0, importance)


@pytest.fixture
def counted() -> Votes:
    return votes([ballot("x", (0, 1)), ballot("y", (1, 2)), ballot("z", (1, 5))])


def trace(figure, name):
    return next(each for each in figure.data if each.name == name)


def test_map_shows_every_task_once_and_carries_its_id(zoo: Zoo) -> None:
    chosen, near = zoo.targets[0], [each.task for each in zoo.neighbours(zoo.targets[0], 3)]
    figure = task_map.task_map(zoo.tasks, zoo.targets, zoo.coordinates("umap"), chosen, near)
    ids = [id for each in figure.data if each.customdata is not None for id in each.customdata]
    assert sorted(ids) == sorted(task.id for task in [*zoo.tasks, *zoo.targets])
    assert list(trace(figure, "Target task").customdata) == [chosen.id]
    assert list(trace(figure, "Neighbour, by rank").customdata) == [task.id for task in near]


def test_map_draws_a_line_from_the_target_to_each_neighbour(zoo: Zoo) -> None:
    chosen, near = zoo.targets[1], [each.task for each in zoo.neighbours(zoo.targets[1], 4)]
    where = zoo.coordinates("pca")
    lines = task_map.task_map(zoo.tasks, zoo.targets, where, chosen, near).data[0]
    ends = list(zip(lines.x, lines.y, strict=True))
    assert ends[0::3] == [where[chosen.id]] * 4
    assert ends[1::3] == [where[task.id] for task in near]


def test_map_of_a_target_without_a_place_draws_no_line(zoo: Zoo) -> None:
    where = {id: place for id, place in zoo.coordinates("umap").items() if id != zoo.targets[0].id}
    figure = task_map.task_map(zoo.tasks, zoo.targets, where, zoo.targets[0], zoo.tasks[:2])
    assert all(each.mode != "lines" for each in figure.data)


@pytest.mark.parametrize(
    "event, task",
    [
        ({"selection": {"points": [{"customdata": "emoji-t03"}]}}, "emoji-t03"),
        ({"selection": {"points": [{"customdata": ["emoji-z01"]}]}}, "emoji-z01"),
        ({"selection": {"points": [{}]}}, None),
        ({"selection": {"points": []}}, None),
        ({}, None),
    ],
)
def test_click_is_the_task_of_the_point(event: dict, task: str | None) -> None:
    assert task_map.clicked_task(event) == task


def test_similarities_mark_the_first_k_and_show_at_least_ten() -> None:
    ranked = [(f"z{i}", -float(i)) for i in range(20)]
    figure = similarities.similarity_chart(ranked, ["z0", "z1", "z2"], "leep")
    assert list(trace(figure, "Neighbour").y) == ["z0", "z1", "z2"]
    assert len(trace(figure, "Neighbour").y) + len(trace(figure, "Does not vote").y) == 10
    assert "−2.00" in similarities.similarity_alt(ranked, ["z0", "z1", "z2"], "leep")


def test_channels_are_ordered_by_selection_then_votes_then_number(counted: Votes) -> None:
    selection = select(counted, keep=0.5)
    assert selection.kept["a"] == (0, 1, 2)
    assert vote_figures.channel_order(counted, selection, "a").tolist() == [1, 0, 2, 5, 3, 4]


def test_heatmap_colours_only_what_a_neighbour_kept(counted: Votes) -> None:
    selection = select(counted, keep=0.5)
    for shade in theme.SHADES:
        heat = vote_figures.vote_heatmap(counted, selection, "a", ["x", "y", "z"], shade).data[0]
        assert np.isfinite(np.array(heat.z, float)).tolist() == [
            [True, True, False, False, False, False],
            [True, False, True, False, False, False],
            [True, False, False, True, False, False],
        ]


def test_importance_becomes_ranks_among_the_kept() -> None:
    values, kept = np.array([[1e6, 1.0, 2.0, 9.0]]), np.array([[True, True, True, False]])
    ranks = vote_figures.rank_within(values, kept)
    assert ranks[0, :3].tolist() == [1.0, pytest.approx(1 / 3), pytest.approx(2 / 3)]
    assert np.isnan(ranks[0, 3])


@pytest.mark.parametrize("weighting", ["count", "similarity", "score"])
def test_histogram_counts_each_channel_once_and_marks_the_threshold(zoo: Zoo, weighting: str) -> None:
    counted = votes(ballots(zoo, zoo.neighbours(zoo.targets[0], 5)), weighting)
    group = list(zoo.groups)[-1]
    selection = select(counted, zoo.keep)
    figure = vote_figures.vote_histogram(counted, selection, group)
    assert sum(sum(bars.y) for bars in figure.data) == zoo.groups[group]
    assert sum(trace(figure, "Selected").y) == len(selection.kept[group])
    assert figure.layout.shapes[0].x0 == counted.table(group)[list(selection.kept[group])].min()


def test_overlaps_are_symmetric_and_beside_chance() -> None:
    selections = [ballot("x", (0, 1, 2)).selection, ballot("y", (1, 2, 3)).selection]
    matrix = overlaps.overlap_matrix(selections, "a")
    assert matrix[0, 1] == matrix[1, 0] == 0.5
    assert overlaps.chance_in(selections, "a") == chance_overlap(0.5)
    figure = overlaps.overlap_heatmap(matrix, ["x", "y"], 1 / 3)
    assert "chance 0.33" in figure.data[0].colorbar.ticktext


def test_overlap_by_depth_follows_the_order_of_groups() -> None:
    selections = [ballot("x", (0, 1), (0,)).selection, ballot("y", (0, 1), (1,)).selection]
    means = overlaps.mean_overlap_by_group(selections)
    assert means == {"a": 1.0, "b": 0.0}
    figure = overlaps.overlap_by_depth({"Neighbours": means}, {"a": 0.2, "b": 0.14}, "b")
    assert list(trace(figure, "Chance").y) == [0.2, 0.14]
    assert list(trace(figure, "This group").x) == [2]


def test_takeaway_tells_agreement_in_words(counted: Votes) -> None:
    selection = select(counted, keep=0.5)
    words = votes_takeaway(counted, selection, "a", chance=0.2)
    assert "3 neighbours want **4** of 6 channels" in words
    assert "**1** are kept by all" in words
    assert "agree more than by chance" in words


def test_takeaway_of_one_neighbour_makes_no_claim_of_agreement() -> None:
    alone = votes([ballot("x", (0, 1))])
    assert "votes alone" in votes_takeaway(alone, select(alone, keep=1 / 3), "a", chance=0.2)


@pytest.mark.parametrize("panel", [pictures.neighbours_panel, pictures.votes_panel, pictures.slim_panel])
def test_pictures_are_whole_svgs(panel) -> None:
    from xml.etree import ElementTree

    assert ElementTree.fromstring(panel()).tag.endswith("svg")


def test_neighbours_that_would_cover_each_other_stand_aside_and_all_others_stay() -> None:
    where = {"a": (0.0, 0.0), "b": (10.0, 10.0), "x": (5.0, 5.0), "y": (5.01, 5.0), "z": (5.0, 5.0)}
    moved = task_map.apart(where, ["x", "y", "z", "nowhere"], least=0.1)
    places = np.array([moved[id] for id in "xyz"])
    gaps = [float(np.hypot(*(places[i] - places[j]))) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert min(gaps) >= 0.99 and max(gaps) < 3
    assert {id: moved[id] for id in "ab"} == {id: where[id] for id in "ab"}
    assert task_map.apart(where, ["a", "b"]) == where


def test_pictures_on_another_ground_keep_the_white_inside_them() -> None:
    tile = np.full((1, 9, 9, 3), 255, np.uint8)
    tile[0, 2:7, 2:7] = (200, 0, 0)
    tile[0, 4, 4] = 255
    dyed = pictures.on_paper(tile, "#808080")
    assert tuple(dyed[0, 0, 0]) == (128, 128, 128) and tuple(dyed[0, 4, 4]) == (255, 255, 255)
    assert tuple(dyed[0, 3, 3]) == (200, 0, 0)
    assert (pictures.on_paper(tile, theme.WHITE) == tile).all()


def test_a_channel_is_kept_or_dropped_by_all_or_contested(counted: Votes) -> None:
    tally = groups.tallies(counted, select(counted, keep=1 / 3))["a"]  # 1 has three votes; 0, 2 and 5 one each
    assert tally == groups.Tally(agreed=1, contested=1, lost=2, unwanted=2)
    assert tally.size == 6
    assert groups.tallies(counted, select(counted, keep=0.25))["b"] == groups.Tally(1, 0, 0, 3)


def test_the_bars_of_a_group_make_up_the_whole_of_it_and_carry_its_name(counted: Votes) -> None:
    figure = groups.groups_overview(groups.tallies(counted, select(counted, keep=1 / 3)), "a")
    assert [sum(bar.y[place] for bar in figure.data) for place in (0, 1)] == pytest.approx([100, 100])
    assert {row[0] for bar in figure.data for row in bar.customdata} == {"a", "b"}


def test_what_changes_is_counted_against_what_chance_would_change() -> None:
    before, after = Selection({"a": (0, 1), "b": (0,)}, SIZES), Selection({"a": (1, 4), "b": (0,)}, SIZES)
    assert groups.changed(before, after) == {"a": ([0], [4]), "b": ([], [])}
    bars, line = groups.changes_chart(before, after, "a").data
    assert list(bars.y) == [50, 0]
    assert list(line.y) == pytest.approx([100 - 200 / 6, 100 - 100 / 4])


def test_each_column_of_the_heatmap_tells_its_channel_and_who_voted(counted: Votes) -> None:
    selection = select(counted, keep=1 / 3)
    figure = vote_figures.vote_heatmap(counted, selection, "a", ["1 · x", "2 · y", "3 · z"], "importance", channel=5)
    columns = figure.data[1]
    assert list(columns.customdata) == vote_figures.channel_order(counted, selection, "a").tolist()
    assert columns.text[0] == "channel 1: kept, votes 3.00<br>✓ 1 · x<br>✓ 2 · y<br>✓ 3 · z"
    arrow = figure.layout.annotations[0]
    assert columns.customdata[int(arrow.x)] == 5


@pytest.mark.parametrize(
    "event, channel",
    [
        ({"selection": {"points": [{"customdata": 37}]}}, 37),
        ({"selection": {"points": [{"customdata": [0]}]}}, 0),
        ({"selection": {"points": [{}]}}, None),
        ({"selection": {"points": []}}, None),
        ({}, None),
    ],
)
def test_click_on_a_column_is_its_channel(event: dict, channel: int | None) -> None:
    assert vote_figures.clicked_channel(event) == channel


def test_the_untrained_curve_draws_chance_and_the_backbone_where_it_is_known() -> None:
    def levels(dense: float | None) -> list[str]:
        chart = untrained_curve({0.2: 0.5, 0.4: 0.6}, (0.2, 0.5), 0.25, dense, "Share kept").to_dict()
        return [row["level"] for rows in chart["datasets"].values() for row in rows if "level" in row]

    assert levels(None) == ["guessing"]
    assert levels(0.7) == ["guessing", "whole backbone"]
    assert untrained_curve({}, None, 0.25, None, "Share kept").to_dict()["height"] > 0
