"""Which requests a fault meets."""

from headway.cloud.faults import Fault, FaultPlan, Kind, meant


def met(fault: Fault, requests_count: int) -> list[bool]:
    plan = FaultPlan()
    plan.replace([fault])
    return [plan.met_by("sqs", "SendMessage", "text") is not None for _ in range(requests_count)]


def test_a_fault_passes_some_and_meets_so_many() -> None:
    assert met(Fault("sqs", Kind.ERROR, skip=1, count=2), 5) == [False, True, True, False, False]


def test_a_share_is_drawn_from_a_seed() -> None:
    drawn = met(Fault("sqs", Kind.ERROR, ratio=0.5, seed=7), 100)

    assert 30 < sum(drawn) < 70
    assert drawn == met(Fault("sqs", Kind.ERROR, ratio=0.5, seed=7), 100)
    assert drawn != met(Fault("sqs", Kind.ERROR, ratio=0.5, seed=8), 100)


def test_other_services_actions_and_texts_are_let_through() -> None:
    assert not any(met(Fault("dynamodb", Kind.ERROR), 1))
    assert not any(met(Fault("sqs", Kind.ERROR, "ReceiveMessage"), 1))
    assert not any(met(Fault("sqs", Kind.ERROR, containing="other"), 1))
    assert all(met(Fault("sqs", Kind.ERROR, "SendMessage", containing="tex"), 3))


def test_a_request_says_what_it_is_by_its_signature_and_its_header_or_path() -> None:
    signature = b"AWS4-HMAC-SHA256 Credential=test/20261130/us-east-1/%s/aws4_request, SignedHeaders=host"

    def request(service: bytes, path: str, *headers: tuple[bytes, bytes]) -> tuple[str, str]:
        return meant({"path": path, "headers": [(b"authorization", signature % service), *headers]})

    target = (b"x-amz-target", b"DynamoDB_20120810.PutItem")
    assert request(b"dynamodb", "/", target) == ("dynamodb", "PutItem")
    assert request(b"lambda", "/2015-03-31/functions/name/invocations") == ("lambda", "Invoke")
    assert request(b"appconfig", "/configuration") == ("appconfig", "GetLatestConfiguration")
    assert meant({"path": "/", "headers": []}) == ("", "")
