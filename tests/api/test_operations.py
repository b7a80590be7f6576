"""Health, metrics, folding on request, and the headers around everything."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.running import Program, Running, readers_busy, running, wait_until


def samples(client: httpx.Client) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample of `/metrics` by its name and the values of its labels, in order of their names."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_service_that_runs_is_alive_and_ready(served: Running) -> None:
    for path in ("/health/live", "/health/ready"):
        assert served.client.get(path).json() == {"status": "ok"}


def test_metrics_are_in_prometheus_own_text_format(served: Running) -> None:
    answer = served.client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {
        "engagement_http_requests",
        "engagement_recommendations",
        "engagement_desk_batch_units",
    } <= families
    assert all(name.startswith("engagement_") for name in families)


def test_series_are_there_before_anything_happened(database_url: str) -> None:
    with running(database_url) as fresh:
        known = samples(fresh.client)
    for status in ("2xx", "4xx", "5xx"):
        assert known["engagement_http_requests_total", ("POST", "/v1/recommendations", status)] == 0
    assert known["engagement_recommendations_total", ("deadline", "none", "none")] == 0


def test_the_labels_stay_the_same_however_many_members_paths_and_methods_are_tried(
    program: Program, served: Running
) -> None:
    caller = program.caller("admin")
    before = set(samples(served.client))
    for number in range(100):
        caller.get(f"/v1/members/member-{number}")
        caller.get(f"/v1/nothing/{number}", params={"q": number})
        caller.call(("PATCH", "DELETE", "TRACE", "PROPFIND")[number % 4], f"/v1/members/m{number}")
    assert set(samples(served.client)) == before


def test_a_request_is_counted_under_its_route_and_class(program: Program, served: Running) -> None:
    key = ("engagement_http_requests_total", ("GET", "/v1/members/{name}", "4xx"))
    before = samples(served.client)[key]
    program.caller("read").get("/v1/members/nobody")
    assert samples(served.client)[key] == before + 1


def test_a_recommendation_is_counted_by_kind_and_by_what_decided(program: Program, served: Running) -> None:
    key = ("engagement_recommendations_total", ("withheld", "none", "none"))
    before = samples(served.client)[key]
    caller = program.caller("admin")
    caller.put("/v1/members/ben", {"id": "ben", "consent": {"messages": False}})
    caller.post("/v1/recommendations", {"member": "ben"})
    assert samples(served.client)[key] == before + 1


def test_signals_are_counted_by_what_became_of_them(program: Program, served: Running) -> None:
    before = samples(served.client)
    report = {"source": "s", "id": "1", "kind": "attendance", "member": "ben"}
    report |= {"occurred_at": "2026-01-05T00:00:00Z"}
    program.caller("signals").post("/v1/signals", {"signals": [report, report, report | {"kind": "mood"}]})
    after = samples(served.client)
    for status in ("stored", "repeated", "refused"):
        key = ("engagement_signals_total", (status,))
        assert after[key] == before[key] + 1


def test_nothing_was_run_again_alone_or_repeated_in_ordinary_work(program: Program, served: Running) -> None:
    caller = program.caller("admin")
    before = samples(served.client)
    caller.post("/v1/recommendations", {"member": "ben"})
    caller.get("/v1/members/nobody/engagement")
    caller.get("/v1/decisions/00000000-0000-7000-8000-000000000000")
    after = samples(served.client)
    for name in ("engagement_desk_reruns_total", "engagement_desk_repeats_total"):
        for lane in ("decide", "record", "read"):
            assert after[name, (lane,)] == before[name, (lane,)]


def test_a_look_at_nobody_harms_none_of_those_that_share_its_batch(program: Program, served: Running) -> None:
    caller, key = program.caller("read"), ("engagement_desk_reruns_total", ("read",))
    caller.get("/v1/sites")  # so that the key is known
    before = samples(served.client)[key]
    names = ["nobody", "ben", "eva"]
    with ThreadPoolExecutor(3) as pool:
        with readers_busy(served.service):
            looks = [pool.submit(caller.get, f"/v1/members/{name}/engagement") for name in names]
            wait_until(lambda: samples(served.client)["engagement_desk_waiting", ("read",)] == 3)
        answers = [look.result() for look in looks]
    assert [answer.status_code for answer in answers] == [404, 200, 200]
    assert samples(served.client)[key] == before


def test_folding_on_request_says_which_versions_it_published(program: Program) -> None:
    answer = program.caller("admin").post("/v1/folds")
    assert (answer.status_code, answer.json()) == (200, [])  # nothing has closed yet


def test_every_answer_carries_an_id_of_its_own(served: Running) -> None:
    ids = {served.client.get("/health/live").headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    "path", ["/health/live", "/v1/sites", "/nothing", "/schema", "/static/schema/page.js"]
)
def test_every_answer_is_kept_to_this_host_and_out_of_frames(served: Running, path: str) -> None:
    headers = served.client.get(path).headers
    policy = [part.strip() for part in headers["content-security-policy"].split(";")]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_answers_about_people_are_kept_by_no_cache_but_files_may_be(program: Program) -> None:
    caller = program.caller("read")
    assert caller.get("/v1/members/ben").headers["cache-control"] == "no-store"
    assert "cache-control" not in caller.get("/static/schema/page.js").headers


@pytest.mark.parametrize("name", ["..%2f..%2fapp.py", "%2e%2e/app.py", "schema/../../app.py", "swagger-ui"])
def test_no_other_file_is_served(served: Running, name: str) -> None:
    assert served.client.get(f"/static/{name}").status_code == 404


def test_a_service_on_the_real_clock_has_no_clock_to_move(program: Program) -> None:
    answer = program.caller("admin").get("/v1/clock")
    assert (answer.status_code, "engagement-simulated" in answer.headers) == (404, False)
