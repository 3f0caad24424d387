# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bodies of Harbor's requests as the Go structs that its server was generated with."""

from __future__ import annotations

from .gojson import MapOf, Slice, Struct

TYPES = ["Hourly", "Daily", "Weekly", "Custom", "Manual", "None", "Schedule"]

SCHEDULE_OBJECT = Struct(
    "ScheduleObj", {"type": "string", "cron": "string", "next_scheduled_time": "datetime"}, {"type": TYPES}
)
SCHEDULE = Struct(
    "Schedule",
    {
        "id": "int64",
        "status": "string",
        "creation_time": "datetime",
        "update_time": "datetime",
        "schedule": SCHEDULE_OBJECT,
        "parameters": MapOf("any"),
    },
    readonly=("id", "status", "creation_time", "update_time"),
)
CREDENTIAL = Struct("RegistryCredential", {"type": "string", "access_key": "string", "access_secret": "string"})
REGISTRY = Struct(
    "Registry",
    {
        "id": "int64",
        "url": "string",
        "name": "string",
        "credential": CREDENTIAL,
        "type": "string",
        "insecure": "bool",
        "ca_certificate": "string",
        "description": "string",
        "status": "string",
        "creation_time": "datetime",
        "update_time": "datetime",
    },
)
FLAT_REGISTRY = {
    "url": "string",
    "credential_type": "string",
    "access_key": "string",
    "access_secret": "string",
    "insecure": "bool",
    "ca_certificate": "string",
}
REGISTRY_UPDATE = Struct("RegistryUpdate", {"name": "string", "description": "string", **FLAT_REGISTRY})
REGISTRY_PING = Struct("RegistryPing", {"id": "int64", "type": "string", **FLAT_REGISTRY})
FILTER = Struct("ReplicationFilter", {"type": "string", "value": "any", "decoration": "string"})
TRIGGER = Struct(
    "ReplicationTrigger",
    {"type": "string", "trigger_settings": Struct("ReplicationTriggerSettings", {"cron": "string"})},
)
REPLICATION_POLICY = Struct(
    "ReplicationPolicy",
    {
        "id": "int64",
        "name": "string",
        "description": "string",
        "src_registry": REGISTRY,
        "dest_registry": REGISTRY,
        "dest_namespace": "string",
        "dest_namespace_replace_count": "int8",
        "trigger": TRIGGER,
        "filters": Slice(FILTER),
        "replicate_deletion": "bool",
        "deletion": "bool",
        "override": "bool",
        "enabled": "bool",
        "creation_time": "datetime",
        "update_time": "datetime",
        "speed": "int32",
        "copy_by_chunk": "bool",
        "single_active_replication": "bool",
    },
)
START_REPLICATION = Struct("StartReplicationExecution", {"policy_id": "int64"})
RETENTION_SELECTOR = Struct(
    "RetentionSelector", {"kind": "string", "decoration": "string", "pattern": "string", "extras": "string"}
)
RETENTION_RULE = Struct(
    "RetentionRule",
    {
        "id": "int64",
        "priority": "int64",
        "disabled": "bool",
        "action": "string",
        "template": "string",
        "params": MapOf("any"),
        "tag_selectors": Slice(RETENTION_SELECTOR),
        "scope_selectors": MapOf(Slice(RETENTION_SELECTOR, pointer=False)),
    },
)
RETENTION_POLICY = Struct(
    "RetentionPolicy",
    {
        "id": "int64",
        "algorithm": "string",
        "rules": Slice(RETENTION_RULE),
        "trigger": Struct("RetentionRuleTrigger", {"kind": "string", "settings": "any", "references": "any"}),
        "scope": Struct("RetentionPolicyScope", {"level": "string", "ref": "int64"}),
    },
)
START_RETENTION = Struct("TriggerRetentionExecutionBody", {"dry_run": "bool"})
STOP_RETENTION = Struct("OperateRetentionExecutionBody", {"action": "string"})
IMMUTABLE_SELECTOR = Struct("ImmutableSelector", RETENTION_SELECTOR.fields)
IMMUTABLE_RULE = Struct(
    "ImmutableRule",
    {
        **RETENTION_RULE.fields,
        "tag_selectors": Slice(IMMUTABLE_SELECTOR),
        "scope_selectors": MapOf(Slice(IMMUTABLE_SELECTOR, pointer=False)),
    },
)
ACTION = Struct("ActionRequest", {"action": "string"})
CONFIGURATION = Struct(
    "Configurations", {"read_only": "bool", "robot_name_prefix": "string", "self_registration": "bool"}
)
NEW_TAG = Struct(
    "Tag",
    {
        "id": "int64",
        "repository_id": "int64",
        "artifact_id": "int64",
        "name": "string",
        "push_time": "datetime",
        "pull_time": "datetime",
        "immutable": "bool",
    },
)
PROJECT = Struct("ProjectReq", {"project_name": "string", "public": "bool", "metadata": MapOf("string")})
