"""The sample city 崇义: its county's real outline as a file brings it, and everything that is invented inside.

Owns the order in which a city comes to be; each part is drawn and put in place by a module of its own. The same seed
gives the same city, and founding it again changes nothing.
"""

from random import Random

from geo.editions.ground import load_ground
from geo.editions.publish import NewArea, publish, put_kinds
from server.cases.catalogue import load_catalogue
from server.demo import bodies, doors, people, planting, sign_ins
from server.demo.founding import Founding, Say
from server.demo.ground import COUNTY_FILE, SampleGround, chongyi_ground
from server.grids.imports.parse import Wanted, read_areas
from server.grids.kinds import STANDARD_KINDS
from sync.redraw.cutover import grid_touches
from sync.store import feed

SEED = 360725
NAME = "chongyi"
_LEVELS = frozenset({"county", "committee", "community", "grid", "zone"})


def draw(report: Say = lambda _line: None, seed: int = SEED) -> SampleGround:
    """Draw the ground inside the county's outline, and report what is wrong with the file of it."""
    county = read_areas(Wanted(COUNTY_FILE, "county"))
    for line in county.summary:
        report(line)
    return chongyi_ground(county.areas[0].polygon, seed)


def found(founding: Founding) -> None:
    """Found the city, or add to it what is missing. The feed is appended last; the caller commits."""
    session, now, say = founding.session, founding.now, founding.say
    seed = SEED if founding.seed is None else founding.seed
    ground = draw(say, seed)
    edition, touches = _publish(founding, ground)
    catalogue = load_catalogue(session)
    added = bodies.found(session, ground)
    say(f"  {catalogue.bodies + added} 个单位 organisations, {catalogue.categories} 个类别 categories")
    cast = people.cast_of(ground, Random(seed))
    joined = people.settle_in(session, cast, now=now)
    people.give_passwords(session, sign_ins.hand_out(session, founding.folder, cast))
    say(f"  {joined} 人 people")
    homes = doors.doors_of(ground, Random(seed))
    in_force = load_ground(session, edition)
    touches += planting.plant_households(session, [(home.id, home.doc) for home in homes], in_force, now=now)
    tasks = doors.tasks_of(ground, homes, Random(seed), now=now)
    touches += planting.plant_tasks(session, tasks, now=now)
    say(f"  {len(homes)} 户 households, {len(tasks)} 项任务 tasks")
    say(f"  {bodies.lay_down_rules(session, ground, now=now)} 条派遣规则 routing rules")
    feed.append(session, touches)


def _publish(founding: Founding, ground: SampleGround) -> tuple[int, list[feed.Touch]]:
    """Put the ground into force; return the edition's number and its touches."""
    put_kinds(founding.session, [kind for kind in STANDARD_KINDS if kind.code in _LEVELS])
    areas = [NewArea(area.code, area.level, area.name, area.parent, area.polygon) for area in ground.areas]
    done = publish(founding.session, areas, by="demo", name="崇义县示例网格", note="示例数据", now=founding.now)
    counts = ", ".join(f"{len(ground.of_level(level))} {level}" for level in ("community", "grid", "zone"))
    founding.say(f"  第 {done.number} 版 edition {done.number}: {counts}")
    return done.number, grid_touches(done)
