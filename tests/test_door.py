"""What endpoints send, in the words and forms of real servers, becomes one of six outcomes."""

import gzip
import json

import pytest
from asking import body

from rag_instruct.llm import door
from rag_instruct.llm.door import Account, Answer, Refusal, Throttled, Transient, Unknown, outcome_of
from rag_instruct.llm.endpoints import account_error
from rag_instruct.llm.usage import MOST, normal_usage, tokens_in

REQUEST = body(1)


def said(message, **more):
    return {"error": {"message": message, **more}}


def outcome(status, value):
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return outcome_of(status, content, REQUEST)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (429, said("You exceeded your current quota, please check your plan and billing details.", type="insufficient_quota", code="insufficient_quota")),  # OpenAI
        (429, said("Your account is not active, please check your billing details on our website.", code="billing_not_active")),
        (400, said("Billing hard limit has been reached", code="billing_hard_limit_reached")),
        (401, said("Incorrect API key provided: sk-x.", code="invalid_api_key")),
        (403, said("Country, region, or territory not supported", code="unsupported_country_region_territory")),
        (400, {"type": "error", **said("Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.", type="invalid_request_error")}),
        (400, {"type": "error", **said("This organization has been disabled.", type="invalid_request_error")}),
        (400, {"type": "error", **said("You have reached your specified API usage limits. You will regain access on 2026-12-01.")}),
        (402, said("Insufficient Balance", type="unknown_error", code="invalid_request_error")),  # DeepSeek
        (401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."}}),  # Azure
        (403, {"error": {"code": "403", "message": "Your resource has been temporarily blocked because we detected behavior that may violate our content policy."}}),
        (403, {"error": {"code": "403", "message": "Out of call volume quota. Quota will be replenished in 12:11:07."}}),
        (402, said("Insufficient credits. Add more using https://openrouter.ai/settings/credits", code=402)),  # OpenRouter
        (403, said("Key limit exceeded (total limit).", code=403)),
        (402, said("This request requires more credits, or fewer max_tokens. You requested up to 4096 tokens, but can only afford 222.", code=402)),
        (402, said("Credit limit exceeded, please navigate to https://api.together.ai/settings/billing")),  # Together
        (401, {"error": "Unauthorized"}),  # vLLM
        (404, {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}),
        (404, said("model 'x' not found, try pulling it first", type="api_error")),  # Ollama
        (401, said("Invalid API Key", code=401, type="authentication_error")),  # llama.cpp
        (400, [said("API key not valid. Please pass a valid API key.", code=400, status="INVALID_ARGUMENT")]),  # Gemini
        (400, [said("User location is not supported for the API use.", status="FAILED_PRECONDITION")]),
        (401, {"message": "Unauthorized", "request_id": "x"}),  # Mistral
        (400, said("Organization has been restricted. Please reach out to support.", code="organization_restricted")),  # Groq
        (400, said("You exceeded your current quota, please check your plan and billing details.")),
        (400, said("Trial credits have been used up. Add a payment method.")),
        (403, {"message": "Subscription expired"}),
        (403, said("You have no credits left.")),
        (412, said("Account acme-1 is suspended, possibly due to reaching the monthly spending limit.")),  # Fireworks
        (400, said("Access denied, please make sure your account is in good standing.", code="Arrearage")),  # Alibaba
        (403, {"code": "AccountOverdueError", "message": "The request failed because your account has an overdue balance"}),  # Ark
        (403, {"code": 30001, "message": "Sorry, your account balance is insufficient"}),  # SiliconFlow
        (429, said("余额不足或无可用资源包,请充值。", code="1113")),  # Zhipu
        (429, said("Your team has either used all available credits or reached its monthly spending limit.")),  # xAI
        (429, {"message": "Monthly requests limit exceeded"}),
        (429, {"errors": [{"message": "AiError: you have used up your daily free allocation of 10,000 neurons", "code": 4006}], "success": False}),  # Cloudflare
        (400, [said("API key expired. Please renew the API key.", status="INVALID_ARGUMENT")]),
        (403, [said("Your API key was reported as leaked. Please use another API key.", status="PERMISSION_DENIED")]),
        (200, {"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}),  # MiniMax
        (200, {"error_code": 17, "error_msg": "Open api daily request limit reached"}),  # Baidu
        (200, {"detail": "Your trial subscription has expired"}),
        (429, said("Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day", code=429)),  # OpenRouter
        (429, [said("You exceeded your current quota.\nPlease retry in 37.2s.", details=[{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}, {"retryDelay": "37s"}])]),  # Gemini
        (429, [said("Quota exceeded for metric: free_tier_requests, limit: 0, model: x\nPlease retry in 3s.", status="RESOURCE_EXHAUSTED")]),
        (429, said("Budget has been exceeded! Current cost: 10.2, Max budget: 10.0", type="budget_exceeded", code="429")),  # LiteLLM
        (400, said("Your organization must be verified to use the model `gpt-5`.")),
        (403, {"type": "error", **said("Your API key does not have permission to use the resource.", type="permission_error")}),
        (403, {"Message": "User: arn:aws:iam::1:user/x is not authorized to perform: bedrock:InvokeModel"}),
        (400, said("ExceededTokenBudget: Current spend for token: 0.1; Max Budget for Token: 0.05", type="auth_error")),  # LiteLLM
        (429, said("ExceededBudget: User=x over budget. Spend=10.1, Budget=10.0")),
        (429, said("litellm.RateLimitError: OpenAIException - {'error': {'message': 'You exceeded your current quota', 'code': 'insufficient_quota'}}")),
        (429, said("该令牌额度已用尽")),  # One API
        *((403, said("no", code=code)) for code in ("insufficient_user_quota", "pre_consume_token_quota_failed")),
        (403, said("Nothing is free any more.", code="AllocationQuota.FreeTierOnly")),  # Alibaba
        (403, said("your payment is past due")),  # Ollama
        (403, said("Denied: Consumer 'project_number:1' has been suspended.")),  # Google
        (403, {"message": "Project p has billing disabled.", "status": "PERMISSION_DENIED"}),
        (403, {"message": "Access is denied: INVALID_PAYMENT_INSTRUMENT"}),  # Bedrock
        (400, said("Your access was terminated.", type="invalid_request_error")),  # OpenAI
        (403, {"code": 403, "reason": "NOT_ENOUGH_BALANCE", "message": "no"}),  # Novita
        (429, said("No deployment is left - crossed budget: 0.36 >= 1d")),  # LiteLLM
        (429, {"detail": "Quota exceeded, and the balance is $0.0"}),
        (429, said("Error from the provider: Provider returned error", metadata={"raw": json.dumps(said("account a is suspended"))})),
    ],
)  # fmt: skip
def test_states_of_the_account(status, answer):
    assert isinstance(outcome(status, answer), Account)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (403, said("Project `p` does not have access to model `gpt-4o`", code="model_not_found")),  # OpenAI
        (403, said("You are not allowed to sample from this model", type="invalid_request_error")),
        (400, said("The model `gpt-4-32k` has been deprecated")),
        (400, said("x is not a valid model ID", code=400)),  # OpenRouter
        (400, {"object": "error", "message": "Invalid model: mistral-xl", "code": "1500"}),  # Mistral
        (400, said("Model not found: grok-9", code="invalid-argument")),  # xAI
        (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}}),  # Azure
        (404, said("model 'x' not found, try pulling it first")),  # Ollama
        (400, {"success": False, "errors": [{"code": 7003, "message": "Could not route to /accounts/x"}]}),  # Cloudflare
        (200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}),  # LM Studio
        (400, {"error": "The requested model 'x' is not supported by any provider you have enabled."}),  # Hugging Face
        (301, b"<html>301 Moved Permanently</html>"),
        (302, b""),
        (308, said("Permanent Redirect")),
    ],
)  # fmt: skip
def test_a_wrong_address_or_model_is_said_to_be_that(status, answer):
    found = outcome(status, answer)
    assert isinstance(found, Account)
    assert "check `base_url` and `model`" in str(account_error("m at u", None, found))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, said("This model's maximum context length is 8192 tokens.", code="context_length_exceeded")),  # OpenAI
        (400, {"object": "error", "message": "This model's maximum context length is 2048 tokens. However, you requested 3000 tokens", "type": "BadRequestError", "code": 400}),  # vLLM
        (400, {"object": "error", "message": "The decoder prompt (length 3000) is longer than the maximum model length of 2048.", "code": 400}),
        (400, said("the request exceeds the available context size (2048 tokens), try increasing it", code=400, type="exceed_context_size_error")),  # llama.cpp
        (500, said("the request exceeds the available context size. try increasing the context size", code=500, type="server_error")),
        (500, said("Context size has been exceeded.", code=500, type="server_error")),
        (403, said("Input token count + max_tokens parameter must be less than the context length of the model being queried.")),  # Together
        (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 2000 `inputs` tokens", "error_type": "validation"}),  # TGI
        (422, {"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 2000", "error_type": "validation"}),
        (400, {"object": "error", "message": "The input (3000 tokens) is longer than the model's context length (2048 tokens).", "code": 400}),  # SGLang
        (400, said("prompt is too long: 210000 tokens > 200000 maximum", type="invalid_request_error")),  # Anthropic
        (413, said("Request exceeds the maximum size", type="request_too_large")),
        (400, [said("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", status="INVALID_ARGUMENT")]),  # Gemini
        (400, {"message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length", "code": "3051"}),  # Mistral
        (413, said("Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 8000", code="rate_limit_exceeded")),  # Groq
        (413, b"<html><head><title>413 Request Entity Too Large</title></head></html>"),
        (400, said("Provider returned error", code=400, metadata={"raw": '{"error": {"message": "prompt is too long: 210000 tokens > 200000 maximum"}}'})),  # OpenRouter
        (429, said("Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000.", code="rate_limit_exceeded")),
        # The same words in bodies of every shape.
        (400, {"timestamp": "2026-01-01", "status": 400, "error": "Bad Request", "message": "prompt is too long", "path": "/v1"}),  # Spring
        (400, {"error": True, "message": "prompt is too long"}),
        (400, {"error": 1, "reason": "prompt is too long"}),
        (400, {"error": "invalid_request", "error_description": "prompt is too long"}),
        (422, {"errors": {"messages": ["prompt is too long"]}}),
        (400, {"fault": {"faultstring": "prompt is too long", "detail": {"errorcode": "x"}}}),  # Apigee
        (400, said(json.dumps(said("prompt is too long", code=400)))),
        (400, json.dumps(said("prompt is too long")).encode() + b"\n"),
        (400, json.dumps(json.dumps(said("prompt is too long"))).encode()),
        (400, {"type": "about:blank", "title": "prompt is too long", "status": 400}),
        (400, said({"text": "prompt is too long"})),
        (400, said(["prompt is too long"])),
        (400, b"prompt is too long"),
    ],
)  # fmt: skip
def test_a_prompt_that_is_too_long(status, answer):
    found = outcome(status, answer)
    assert isinstance(found, Refusal)
    assert door.too_long(found.reason)
    assert str(status) in found.reason


def test_both_code_and_words_of_a_refusal_are_kept_and_older_stores_are_understood():
    found = outcome(400, said("This model's maximum context length is 8192 tokens.", code="context_length_exceeded"))
    assert found.reason == "too long: 400 context_length_exceeded (This model's maximum context length is 8192 tokens.)"
    assert door.too_long("400 context_length_exceeded")
    assert not door.too_long("400 content_policy_violation")


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, said("Your request was rejected by the safety system.", code="content_policy_violation")),  # OpenAI
        (400, said("Invalid prompt: your prompt was flagged as potentially violating our usage policy.", code="invalid_prompt")),
        (400, said("The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", code="content_filter")),  # Azure
        (403, said("Your chosen model requires moderation and your input was flagged for \"violence\".", code=403)),  # OpenRouter
        (400, said("Content Exists Risk", code="invalid_request_error")),  # DeepSeek
        (400, said("Input data may contain inappropriate content.", code="data_inspection_failed")),  # Alibaba
        (500, said("xgrammar: failed to compile grammar: repetition range too large", code=500)),  # vLLM
    ],
)  # fmt: skip
def test_refusals_of_one_request(status, answer):
    assert isinstance(outcome(status, answer), Refusal)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (500, "An error occurred (ThrottlingException): Too many tokens, please wait before trying again.", Transient),  # Bedrock
        (200, "Too many tokens, please wait before trying again.", Transient),
        (400, "ThrottlingException: Too many tokens, please wait before trying again.", Throttled),
        (503, "Maximum model concurrency reached, please retry later", Transient),
        (400, "Your requests exceed the maximum tokens per minute of your tier", Transient),
        (403, "Rate limit: request exceeds the maximum number of tokens per minute", Throttled),
        (400, "Daily token limit exceeded for this key", Unknown),
        (408, "The moderation service timed out", Transient),
        (424, "Failed dependency: content moderation", Transient),
        (400, "The content filter is temporarily unavailable. Please try again later.", Transient),
        (504, "The upstream took too long: input processing took too long", Transient),
        (503, "The grammar backend is restarting", Transient),
        (400, "Flagged by our content policy: please modify your prompt and retry.", Refusal),
        (400, "prompt is too long. Shorten it and try again.", Refusal),
        (429, "Request too large on tokens per min: try again in 2s.", Refusal),
    ],
)  # fmt: skip
def test_a_state_that_passes_is_no_refusal_although_it_has_the_words_of_one(status, message, kind):
    assert isinstance(outcome(status, said(message)), kind)


def shown(message, code=None):
    """An error of OpenAI's form."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "litellm.BadRequestError: OpenAIException - " + json.dumps(shown("Your prompt was flagged")), Refusal),
        (400, "litellm.BadRequestError: OpenAIException - " + json.dumps(shown("no", "content_filter")), Refusal),
        (400, f"litellm.BadRequestError: AzureException - Error code: 400 - {shown('content management policy')}", Refusal),
        (400, f"Error code: 400 - {shown('xgrammar cannot compile it')}", Refusal),
        (400, f"Error code: 400 - {shown('xgrammar cannot compile it')}: {{", Refusal),
        (500, "Error code: 500 - {'detail': 'the moderation'", Transient),
        (400, "AnthropicException - b'" + json.dumps(shown("Claude's credit balance is too low")).replace("'", "\\'") + "'. Received Model Group=c", Account),
        (403, f"Error code: 403 - {shown('Your account has been disabled')}", Account),
        (400, f"APIError: Error code: 400 - {shown('OpenAIException - ' + json.dumps(shown('no credits left')))}", Account),
        (400, "OpenAIException - " + json.dumps(shown("The content filter is temporarily unavailable.")), Transient),
        (400, "OpenAIException - " + json.dumps(shown("Invalid value: 'no credits left'")), Unknown),
        (400, "OpenAIException - {'a", Unknown),
        (400, f"Invalid value: '{json.dumps(shown('no credits left'))}'", Unknown),
        *((status, "APIError: OpenrouterException - " + json.dumps(said("pay first", code=402)), Account) for status in (500, 200)),
        *((status, "Error code: 429 - {'message': 'later'}", Throttled) for status in (500, 503, 200)),
        (500, "Error code: 400 - {'message': 'no such thing'}", Unknown),
        (500, "Error code: 502 - {'message': 'gone'}", Transient),
        (500, "Failed to parse input at pos 3: Error code: 402 - {'message': 'pay first'}", Transient),
    ],
)  # fmt: skip
def test_the_error_of_another_server_is_no_quotation(status, message, kind):
    """Gateways show it as JSON or in Python's form, some with a status of their own."""
    assert isinstance(outcome(status, said(message)), kind)


def test_the_users_own_words_in_an_error_say_nothing_of_the_account():
    flagged = said(
        "Your input was flagged", code=403, metadata={"flagged_input": "insufficient_quota, credit balance is too low"}
    )
    assert isinstance(outcome(403, flagged), Refusal)


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (429, [said("You exceeded your current quota, please check your plan and billing details.", status="RESOURCE_EXHAUSTED", details=[{"retryDelay": "37s"}])], Throttled),  # Gemini
        (429, said("Rate limit reached for gpt-4o on requests per min (RPM).", code="rate_limit_exceeded"), Throttled),
        (429, said("The quota is exceeded.\nSee https://a.example/error-code#token-limit", code="insufficient_quota"), Throttled),  # Alibaba
        (402, said("The requests in flight use up the budget", code="in_flight_budget_exhausted"), Throttled),  # OpenRouter
        (429, {"message": "Service tier capacity exceeded for this model.", "code": "3505"}, Throttled),  # Mistral
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}, Throttled),  # TGI
        (503, said("Loading model", code=503, type="unavailable_error"), Transient),  # llama.cpp
        (529, {"type": "error", **said("Overloaded", type="overloaded_error")}, Transient),  # Anthropic
        (424, {"error": "Request failed during generation", "error_type": "generation"}, Transient),  # TGI
        (503, said("server busy, please try again. maximum pending requests exceeded"), Transient),  # Ollama
        (502, b"<html>Bad Gateway</html>", Transient),
        (403, said("Rate limit exceeded for this key"), Throttled),
        (400, said("rate_limit_exceeded: try again in 20s"), Throttled),
        (449, {"status": "449", "msg": "rate limit, too many requests"}, Throttled),
        (200, {"choices": None, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, Throttled),  # MiniMax
        (200, {"status": "449", "msg": "Your request exceeds the rate limit"}, Throttled),
        (520, b"<!DOCTYPE html>", Transient),
        (403, said(json.dumps(said("Rate limit exceeded, retry after 3 seconds"))), Throttled),
        (429, {"fault": {"faultstring": "Rate limit quota violation.", "detail": {"errorcode": "policies.ratelimit.QuotaViolation"}}}, Throttled),
        *((429, body, Throttled) for body in (b"", b"null", b"[]", b'"slow"', b"7", {"error": {}}, {"errors": [None]})),
        (421, b"", Transient),
        *((status, b"", Transient) for status in (502, 511, 521, 522, 523, 525, 526, 530, 598)),
        *((400, body, Unknown) for body in (b"", b"7", b"[[[]]]", {"error": []}, {"errors": [[]]}, {"detail": {}}, said(None, code=None))),
        (403, b"<!DOCTYPE html><title>Blocked</title><p>by the content filter policy of your company", Unknown),
        (403, b"<?xml version='1.0'?><Error><Message>flagged by moderation</Message></Error>", Unknown),
        (400, said("Provider returned error", metadata={"raw": "no JSON"}), Unknown),
        (400, said("Provider returned error", metadata={"raw": "[" * 99_999}), Unknown),
        (418, said("I am a teapot"), Unknown),
        (403, said("You shall not pass"), Unknown),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, Unknown),  # FastAPI
    ],
)  # fmt: skip
def test_what_passes_and_what_is_not_understood(status, answer, kind):
    assert isinstance(outcome(status, answer), kind)


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (422, {"detail": [{"loc": ["body"], "msg": "too long a list", "input": {"q": "sound has 343 metres per second"}}]}, Unknown),
        (400, said("Failed to parse input at pos 12: light has 299792 km per second", code=400), Unknown),
        (400, said("the text asks how to slow down and retry after 5 falls"), Unknown),
        (500, said("Failed to parse input at pos 12: ... a fee for overdue books", code=500), Transient),
        (500, said("Failed to parse input at pos 3: why credit balance is too low", code=500), Transient),
        (200, said("Failed to parse input at pos 12: ... a fee for overdue books"), Transient),
        (403, said("flagged text 'the daily limit of sugar'"), Refusal),
        (403, said("not allowed: 'the monthly limit of sound is 343 metres per second'"), Unknown),
        (400, said("no such book is overdue"), Unknown),
        (400, said("they crossed budget, and a payment is past due"), Unknown),
        (500, said("no", code="insufficient_quota"), Account),
        *((500, said(f"Failed to parse input at pos 12: the {words}"), Transient) for words in ("Latin grammar", "context window")),
        *((400, said(f"Invalid value: '{words}'"), Unknown) for words in ("Latin grammar", "a flagged text", "no credits left")),
        *((422, {"detail": [{"msg": "value error", "input": words}]}, Unknown) for words in ("no credits", "a model that does not exist", "content moderation", "the context window")),
    ],
)  # fmt: skip
def test_a_text_that_an_error_quotes_decides_nothing(status, answer, kind):
    assert isinstance(outcome(status, answer), kind)


@pytest.mark.parametrize("status", [408, 504, 524])
def test_a_proxy_that_stopped_waiting_may_have_cost_an_answer(status):
    assert outcome(status, b"<html>timed out</html>").charged
    assert not outcome(503, b"<html>unavailable</html>").charged


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (said("have exceeded token rate limit. Please retry after 52 seconds. Please go here"), 52),  # Azure
        ([said("Resource has been exhausted", details=[{"@type": "RetryInfo", "retryDelay": "34s"}])], 34),  # Gemini
        ([said("You exceeded your current quota, limit: 15\nPlease retry in 34.07s.")], 34.07),
        (
            said("Rate limit reached for gpt-4o on tokens per min (TPM). Please try again in 1m26.4s. Visit"),
            86.4,
        ),  # OpenAI
        (said("Rate limit reached. Please try again in 20ms."), 0.02),
        (said("slow down", retry_after=7), 7),
        (said("slow down", metadata={"retry_after_seconds": 3}), 3),
        (said("please try again in 5 minutes"), 300),
        (said("please try again in 2 days"), 172_800),
        (said("please try again in 5 min."), 300),
        (said("please try again in 2 hrs"), 7200),
        (said("please try again in 500milliseconds"), 0.5),
        (said("please try again in 10secs"), 10),
        (said("Limit 100000 tokens per day. Please try again in 1d2h3m."), 93_780),
        (said("Please wait 45 minutes before trying again."), 2700),
        (said("Used up; it resets in 3h"), 10_800),
        (said("please try again later"), None),
        (said("retry after a while"), None),
    ],
)
def test_a_wait_is_read_from_the_words(answer, seconds):
    assert outcome(429, answer).wait == (seconds if seconds is None else pytest.approx(seconds))


def completion(content="yes", finish="stop", usage=None, **more):
    message = {"role": "assistant", "content": content, **more}
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage, "model": "m"}


@pytest.mark.parametrize(
    ("answer", "fault", "charged"),
    [
        (b"<!DOCTYPE html><title>Log in</title>", "broken reply", False),
        (b"  <html>", "broken reply", False),
        (b'data: {"choices": []}\n\ndata: [DONE]', "broken reply", True),
        (b"", "broken reply", True),
        (b"[" * 100_000, "broken reply", True),
        (b'{"choices": [{"message": {"content": "a\\ud83d"}, "finish_reason": "stop"}]}', "broken reply", True),
        ({"choices": []}, "broken reply", True),
        ({"choices": [None]}, "broken reply", True),
        (completion(content=7), "broken reply", True),
        (said("Provider returned error", code=502), "502", False),  # OpenRouter
        (said("Internal error"), "500", False),
        ({"choices": [{"error": {"code": 502, "message": "Upstream error"}, "finish_reason": "error"}]}, "502", False),
        (completion(finish="error"), "finish reason error", True),
        (completion(finish="abort"), "finish reason abort", True),  # vLLM, SGLang
        (completion(finish="insufficient_system_resource"), "finish reason insufficient_system_resource", True),  # DeepSeek
        (completion(finish=7), "finish reason 7", True),
        (completion(finish="length?"), "finish reason length?", True),
        ({"choices": [{"error": "upstream", "finish_reason": "error"}]}, "500", False),
        ({"detail": "worker died"}, "500", False),
        ({"success": False, "errors": [{"code": 503, "message": "Capacity exceeded"}]}, "503", False),
        ({"model": "x", "message": {"role": "assistant", "content": "The"}, "done": True}, "broken reply", True),  # Ollama
        (b'{"message": {"content": "T"}, "done": false}\n{"message": {"content": "h"}, "done": true}', "broken reply", True),
        (completion("", finish=None), "empty", True),  # Gemini
        (completion(None, finish=""), "empty", True),
        (completion(content="a\ufffd"), "half a character", True),
        (json.dumps(completion("caf\xe9"), ensure_ascii=False).encode("latin-1"), "half a character", True),
        (b'data: {"choices": [{"delta": {"content": "ye"}}]}\n\n', "broken reply", True),  # a stream that is cut
        (b'data: {"choices": [{"delta": {"content": "y"}}]}\n\ndata: {"error": {"message": "x", "code": 529}}\n\n', "529", False),
        (b'data: [7]\n\ndata: [DONE]', "broken reply", True),
        (b'data: {"choices": {"0": 1}}\n\ndata: [DONE]', "broken reply", True),
        ({**said("upstream died", code=502), **completion("par", None)}, "502", False),  # OpenRouter
        (completion(finish="length_of_nothing"), "finish reason length_of_nothing", True),
        ({"statusCode": 503, "body": '{"message": "Service Unavailable"}'}, "503", False),  # AWS Lambda
        (json.dumps(completion()).encode() + json.dumps(completion("no")).encode(), "broken reply", True),
        (b'event:error\ndata:{"code":"InternalError","message":"Inference failed"}\n\n', "500", False),  # Alibaba
        (completion(finish=["error"]), "finish reason ['error']", True),
        *((completion(finish=word), f"finish reason {word}", True) for word in ("OTHER", "pause_turn", "MALFORMED_FUNCTION_CALL", "user_cancelled", "timeout", "network_error", "preempted")),
    ],
)  # fmt: skip
def test_a_success_that_is_none_is_tried_again(answer, fault, charged):
    found = outcome(200, answer)
    assert isinstance(found, Transient)
    assert (found.fault, found.charged) == (fault, charged)


def test_a_broken_success_is_quoted():
    page = b"<!DOCTYPE html><html><!-- x --><style>p {color: red}</style><title>Log in</title><p>Please log in"
    assert str(outcome(200, page)) == "broken reply (a page: Log in Please log in)"
    assert str(outcome(200, b"")) == "broken reply (nothing)"
    assert outcome(200, said("insufficient_quota", code=429)) == Account("429 (insufficient_quota)", 429)


STREAM = b"""data: {"model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}

data: {"choices": [{"delta": {"content": "ye"}, "finish_reason": null}], "usage": null}

: keep-alive
event: chunk
data: {"choices": [{"delta": {"content": "s"}}]}

data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}

data: {"choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 2}}

data: [DONE]
"""


@pytest.mark.parametrize(
    ("answer", "text", "finish"),
    [
        (completion([{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]), "in parts", "stop"),  # Mistral
        (completion(["a", "b"]), "ab", "stop"),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}], "yes", "stop"),
        ([{"type": "reasoning", "text": "{x}"}, "yes"], "yes", "stop"),
        (b"\xef\xbb\xbf" + json.dumps(completion()).encode(), "yes", "stop"),
        (json.dumps(completion("é")).encode("utf-16"), "é", "stop"),
        (b"\n" * 99 + json.dumps(completion()).encode(), "yes", "stop"),  # DeepSeek, OpenRouter
        (json.dumps(completion()).encode().replace(b'"usage": null', b'"usage": {"prompt_tokens": NaN}, "usage": 5'), "yes", "stop"),
        ({**completion(), "choices": completion()["choices"] + completion("no")["choices"]}, "yes", "stop"),
        (completion(None, finish="tool_calls", tool_calls=[{"id": "x"}]), "", "tool_calls"),
        (completion(finish="model_context_window_exceeded"), "yes", "length"),  # Anthropic
        (completion("", finish="content_filter: PROHIBITED_CONTENT"), "", "content_filter"),  # Gemini
        (completion("", refusal="I cannot"), "", "stop"),
        (completion(None, reasoning_content="thoughts"), "", "only thoughts"),  # vLLM with the wrong parser
        (completion(finish="eos_token"), "yes", "stop"),  # TGI
        (completion(finish="STOP"), "yes", "stop"),
        (completion(finish=None), "yes", "stop"),
        (completion(finish="MAX_TOKENS"), "yes", "length"),  # Gemini
        (completion(finish="model_length"), "yes", "length"),  # Mistral
        (completion("", finish="SAFETY"), "", "content_filter"),
        *((completion(finish=word), "yes", "stop") for word in ("FINISH_REASON_STOP", "FinishReason.STOP", "eos_token_id", "stop_token", "stopped", "completed", "success", "normal", "null", "None", "unknown", {"type": "stop", "matched": 1}, ["stop"])),
        *((completion(finish=word), "yes", "length") for word in ("truncated", "token_limit", "context_length", "max_new_tokens", "out_of_tokens", "MaxTokens", "incomplete", "repetition")),
        *((completion(finish=word), "yes", "content_filter") for word in ("IMAGE_SAFETY", "blocked", "moderation", "policy_violation")),
        (STREAM, "yes", "stop"),
        ({"code": 0, "msg": "success", "data": completion()}, "yes", "stop"),
        ({"success": True, "errors": [], "result": completion()}, "yes", "stop"),  # Cloudflare
        (json.dumps([completion()]).encode(), "yes", "stop"),
        ({"choices": [{"text": "yes", "finish_reason": "stop"}]}, "yes", "stop"),
        ({"choices": [{"message": "yes", "finish_reason": "stop"}]}, "yes", "stop"),
        ({"choices": [{"delta": {"content": "yes"}, "finish_reason": "stop"}], "object": "chat.completion.chunk"}, "yes", "stop"),
        (b'{"choices": [{"message": {"content": "a\tb"}, "finish_reason": "stop"}]}', "a\tb", "stop"),
        (completion({"question": "a"}), '{"question": "a"}', "stop"),  # Workers AI reads the object itself
        (completion({"type": "text", "text": "yes"}), "yes", "stop"),
        (completion(None, "tool_calls", tool_calls=[{"function": {"name": "json", "arguments": '{"a": 1}'}}]), '{"a": 1}', "stop"),
        (completion(None, "tool_calls", tool_calls=[{"function": {"name": "json", "arguments": {"a": 1}}}]), '{"a": 1}', "stop"),
        (completion(None, "function_call", function_call={"name": "json", "arguments": '{"a": 1}'}), '{"a": 1}', "stop"),
        (completion("", "stop", tool_calls=[], refusal=None, error=None), "", "stop"),
        ({**said(""), **completion()}, "yes", "stop"),
        *(({**completion(finish=None), "error": empty}, "yes", "stop") for empty in ({"code": 0, "message": ""}, {"message": None})),
        *((completion(finish=word), "yes", "stop") for word in ("FINISH_REASON_UNSPECIFIED", "</s>")),
        (completion("", finish="ERROR_TOXIC"), "", "content_filter"),  # Cohere
        (completion(finish="ERROR_LIMIT"), "yes", "length"),
        ([{"type": "text", "text": {"value": "yes"}}], "yes", "stop"),  # OpenAI's assistants
        ([{"type": "text", "content": "yes"}, {"type": "text", "text": None}], "yes", "stop"),
        ([{"text": "hm", "thought": True}, {"text": "yes"}], "yes", "stop"),
        ([{"type": "thinking", "thinking": "hm"}], "", "only thoughts"),
        *(({"choices": [{"message": message, "finish_reason": "stop"}]}, "yes", "stop") for message in ({"text": "yes"}, {"parts": [{"text": "yes"}]}, [{"content": "yes"}])),
        ({"choices": [{"message": {"content": None}, "text": "yes", "finish_reason": "stop"}]}, "yes", "stop"),
        ({"choices": [{"content": "yes", "finish_reason": "stop"}]}, "yes", "stop"),
        *(({"choices": choices}, "yes", "stop") for choices in (completion()["choices"][0], {"0": completion()["choices"][0]})),
        ({"statusCode": 200, "body": json.dumps(completion())}, "yes", "stop"),  # AWS Lambda
        ({"output": completion(), "request_id": "x"}, "yes", "stop"),
        *((json.dumps(completion()).encode() + more, "yes", "stop") for more in (b"\0", b"\n\ndata: [DONE]\n", b"<!-- by a proxy -->")),
        (gzip.compress(json.dumps(completion()).encode()), "yes", "stop"),  # and no header that says so
        (b"\xef\xbb\xbf" + STREAM, "yes", "stop"),
        (b'data: {"choices": [{"text": "yes", "finish_reason": "stop"}]}\n\ndata: [DONE]', "yes", "stop"),
        (b'data: {"choices": [{"delta": {"content": [{"type": "text", "text": "yes"}]}, "finish_reason": "stop"}]}', "yes", "stop"),
    ],
)  # fmt: skip
def test_answers_in_other_forms(answer, text, finish):
    found = outcome(200, completion(answer) if isinstance(answer, list) else answer)
    assert isinstance(found, Answer)
    assert (found.reply["text"], found.reply["finish_reason"]) == (text, finish)


def test_a_refusal_among_the_parts_is_one():
    found = outcome(200, completion([{"type": "refusal", "refusal": "I cannot"}]))
    assert (found.reply["text"], found.reply["refusal"]) == ("", "I cannot")


def test_a_stream_has_its_usage_and_its_model():
    assert outcome(200, STREAM).reply["usage"] == {"prompt_tokens": 4, "completion_tokens": 2}
    assert outcome(200, STREAM).reply["model"] == "m"


@pytest.mark.parametrize(
    "answer",
    [
        {**completion(), "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2}},
        {"choices": [{**completion()["choices"][0], "usage": {"prompt_tokens": 4, "completion_tokens": 2}}]},  # Moonshot
        {**completion(), "x_groq": {"usage": {"prompt_tokens": 4, "completion_tokens": 2}}},
        {"output": completion(), "usage": {"input_tokens": 4, "output_tokens": 2}},  # Alibaba
        STREAM.replace(b'"choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 2}', b'"choices": [], "x_groq": {"usage": {"prompt_tokens": 4, "completion_tokens": 2}}'),
    ],
)  # fmt: skip
def test_usage_is_found_where_servers_put_it(answer):
    assert outcome(200, answer).reply["usage"] == {"prompt_tokens": 4, "completion_tokens": 2}


def test_u_fffd_is_accepted_where_the_prompt_has_it():
    request = {**REQUEST, "messages": [{"role": "user", "content": "What is \ufffd?"}]}
    content = json.dumps(completion("\ufffd is U+FFFD.")).encode()
    assert isinstance(outcome_of(200, content, request), Answer)


@pytest.mark.parametrize(
    ("usage", "prompt", "cached", "completion"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 7}, 5, 0, 7),
        ({"prompt_tokens": "5", "completion_tokens": "7.0"}, 5, 0, 7),
        ({"prompt_tokens": 4.2, "completion_tokens": None, "total_tokens": 9}, 5, 0, 4),
        ({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 900}, 5, 0, 895),  # Gemini, xAI: hidden reasoning
        ({"prompt_tokens": 5, "completion_tokens": 7, "completion_tokens_details": {"reasoning_tokens": 90}}, 5, 0, 90),
        ({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12, "reasoning_tokens": 90}, 5, 0, 97),  # Perplexity
        ({"input_tokens": 5, "output_tokens": 7, "output_tokens_details": {"reasoning_tokens": 90}}, 5, 0, 90),
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 50}}, 5, 5, 7),
        ({"input_tokens": 5, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 3}}, 5, 3, 7),
        ({"promptTokens": 5, "completionTokens": 7}, 5, 0, 7),
        ({"inputTokens": 5, "outputTokens": 7, "cacheReadInputTokens": 2, "totalTokens": 14}, 7, 2, 7),  # Bedrock
        ({"inputTokens": 5, "outputTokens": 7, "cacheReadInputTokens": 2, "cacheReadInputTokenCount": 2, "cacheWriteInputTokens": 9, "cacheWriteInputTokenCount": 9}, 16, 2, 7),
        ({"prompt_tokens": 5, "promptTokens": 0, "completion_tokens": 7, "completionTokens": None}, 5, 0, 7),
        ({"promptTokenCount": 5, "candidatesTokenCount": 7, "thoughtsTokenCount": 90, "totalTokenCount": 102}, 5, 0, 97),  # Gemini
        ({"PROMPT_TOKENS": "1,234", "Completion-Tokens": "7 "}, 1234, 0, 7),
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_cache_hit_tokens": 3}, 5, 3, 7),  # DeepSeek
        ({"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 90}, 97, 2, 7),  # Anthropic: beside
        ({"prompt_tokens": 97, "completion_tokens": 7, "cache_read_input_tokens": 2}, 97, 2, 7),  # LiteLLM: among them
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": "0", "completion_tokens_details": "{}"}, 5, 0, 7),
        ({"completion_tokens": 7, "total_tokens": 12}, 5, 0, 7),
        ({"prompt_tokens": -5, "completion_tokens": 7}, 0, 0, 7),
        ({"prompt_tokens": True, "completion_tokens": [7]}, 0, 0, 0),
        ({"prompt_tokens": float("nan"), "completion_tokens": float("inf")}, 0, 0, 0),
        ({"prompt_tokens": 10 * MOST, "completion_tokens": 7, "total_tokens": 10**30}, 0, 0, 7),
        ({"prompt_tokens": "many", "prompt_tokens_details": "none"}, 0, 0, 0),
        ("none", 0, 0, 0),
        (None, 0, 0, 0),
    ],
)  # fmt: skip
def test_usage_in_every_form(usage, prompt, cached, completion):
    assert tokens_in(usage) == {"prompt": prompt, "cached": cached, "completion": completion}
    assert (normal_usage(usage) is None) == (not prompt and not completion)
    if found := normal_usage(usage):
        assert tokens_in(found) == tokens_in(usage), "once normal, it stays as it is"


@pytest.mark.parametrize("finish", ["length", "content_filter", "abort"])
def test_a_call_of_a_tool_that_was_cut_off_is_no_whole_answer(finish):
    cut = {"content": None, "tool_calls": [{"function": {"name": "json", "arguments": '{"a": "x'}}]}
    outcome = outcome_of(200, json.dumps({"choices": [{"finish_reason": finish, "message": cut}]}).encode(), {})
    assert isinstance(outcome, Transient) if finish == "abort" else outcome.reply["finish_reason"] == finish


@pytest.mark.parametrize(
    ("pieces", "text", "finish", "refusal"),
    [
        ([{"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in ('{"a"', ": 1}")], '{"a": 1}', "stop", ""),
        ([{"reasoning_content": "hm"}], "", "only thoughts", ""),
        ([{"refusal": "I can"}, {"refusal": "not"}], "", "stop", "I cannot"),
    ],
)  # fmt: skip
def test_a_stream_keeps_all_that_a_message_would(pieces, text, finish, refusal):
    events = [{"choices": [{"delta": piece}]} for piece in pieces] + [{"choices": [{"finish_reason": "stop"}]}]
    content = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)
    reply = outcome_of(200, content, {}).reply
    assert (reply["text"], reply["finish_reason"], reply["refusal"]) == (text, finish, refusal)


def test_an_error_about_something_else_than_the_model_does_not_name_the_address():
    said = {"error": {"message": "Error in model worker: tokenizer file not found"}}
    assert isinstance(outcome_of(200, json.dumps(said).encode(), {}), Transient)


@pytest.mark.parametrize(
    ("said", "concerned"),
    [
        ("maximum context length is 9: reduce max_tokens or max_completion_tokens", False),
        ("flagged by our content policy, not allowed: the seed of doubt", False),
        ("failed to compile the schema", True),
        ("Unsupported parameter: temperature", True),
    ],
)
def test_errors_that_name_parameters_only_by_chance(said, concerned):
    assert (
        door.may_be_of_parameters(outcome_of(400, json.dumps({"error": {"message": said}}).encode(), {})) is concerned
    )
