"""ListAccountSettings, PutAccountSetting, PutAccountSettingDefault, DeleteAccountSetting.

They are kept and shown; tasks here are the same whatever they say.
"""

from __future__ import annotations

from typing import Any

from infra.local.ecs.api.context import Context, page

PAGE = 10
DEFAULTS = {
    "awsvpcTrunking": "disabled",
    "containerInsights": "disabled",
    "containerInstanceLongArnFormat": "enabled",
    "defaultLogDriverMode": "non-blocking",
    "fargateTaskRetirementWaitPeriod": "7",
    "guardDutyActivate": "off",
    "serviceLongArnFormat": "enabled",
    "tagResourceAuthorization": "off",
    "taskLongArnFormat": "enabled",
}


def list_settings(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """Those that were put; with `effectiveSettings` the defaults of the others too."""
    known = {**(DEFAULTS if given.get("effectiveSettings") else {}), **context.store.account_settings}
    chosen = [
        _setting(context, name, value)
        for name, value in sorted(known.items())
        if given.get("name", name) == name and given.get("value", value) == value
    ]
    shown, token = page(chosen, given, PAGE)
    return {"settings": shown, **token}


def put(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """One value for all principals: there is one account, and settings change nothing here."""
    context.store.account_settings[given["name"]] = given["value"]
    return {"setting": _setting(context, given["name"], given["value"])}


def delete(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """The setting has its default again."""
    context.store.account_settings.pop(given["name"], None)
    return {"setting": _setting(context, given["name"], DEFAULTS.get(given["name"], ""))}


def _setting(context: Context, name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value, "principalArn": context.caller, "type": "user"}
