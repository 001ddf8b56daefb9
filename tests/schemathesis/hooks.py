"""A check that OpenAPI has no words for: the body of an answer to a write depends on a header of the request."""

import schemathesis
from schemathesis.specs.openapi import checks


@schemathesis.check
def body_as_documented(ctx, response, case):
    """As the document says; a write that was not asked for rows gives no body, and then no type of one."""
    prefer = response.request.headers.get("Prefer") or b""
    prefer = prefer.encode() if isinstance(prefer, str) else prefer
    writes = case.method.upper() in ("POST", "PUT", "PATCH", "DELETE") and not case.path.startswith("/rpc/")
    if writes and response.status_code in (200, 201) and not response.content:
        assert b"return=representation" not in prefer, "rows were asked for, and there is no body"
        assert "content-type" not in response.headers, "a type of a body that is not there"
        return None
    checks.content_type_conformance(ctx, response, case)
    return checks.response_schema_conformance(ctx, response, case)
