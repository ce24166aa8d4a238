"""S3's requests by path and query, named as IAM names their actions (S3 user guide, "Required permissions")."""

from __future__ import annotations

from collections.abc import Mapping

from infra.local.gateway.http import Request

VERBS = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "POST": "Put", "DELETE": "Delete"}
BUCKET_SUBRESOURCES = {
    "acl": "BucketAcl", "cors": "BucketCORS", "encryption": "EncryptionConfiguration",
    "lifecycle": "LifecycleConfiguration", "location": "BucketLocation", "logging": "BucketLogging",
    "notification": "BucketNotification", "policy": "BucketPolicy", "publicAccessBlock": "BucketPublicAccessBlock",
    "tagging": "BucketTagging", "versioning": "BucketVersioning", "website": "BucketWebsite",
    "ownershipControls": "BucketOwnershipControls",
}  # fmt: skip
OBJECT_SUBRESOURCES = {"acl": "ObjectAcl", "tagging": "ObjectTagging", "retention": "ObjectRetention",
                       "legal-hold": "ObjectLegalHold"}  # fmt: skip
BUCKET_ACTIONS = {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
DELETED_WITH_PUT = frozenset({"encryption", "lifecycle", "cors", "tagging", "publicAccessBlock", "ownershipControls"})


def identify(request: Request) -> tuple[str, Mapping[str, str]]:
    """(IAM's name of the action, {Bucket, Key} as far as the path has them)."""
    bucket, _, key = request.path.lstrip("/").partition("/")
    if not bucket:
        return "ListAllMyBuckets", {}
    if key:
        return _object_action(request), {"Bucket": bucket, "Key": key}
    return _bucket_action(request), {"Bucket": bucket}


def _object_action(request: Request) -> str:
    for name, resource in OBJECT_SUBRESOURCES.items():
        if name in request.query:
            return f"{VERBS.get(request.method, 'Get')}{resource}"
    if "uploadId" in request.query and request.method in ("GET", "DELETE"):
        return "ListMultipartUploadParts" if request.method == "GET" else "AbortMultipartUpload"
    return f"{VERBS.get(request.method, 'Get')}Object"


def _bucket_action(request: Request) -> str:
    if "delete" in request.query:
        return "DeleteObject"
    if "versions" in request.query:
        return "ListBucketVersions"
    if "uploads" in request.query:
        return "ListBucketMultipartUploads"
    for name, resource in BUCKET_SUBRESOURCES.items():
        if name in request.query:
            deleting = request.method == "DELETE" and name not in DELETED_WITH_PUT
            return f"{'Delete' if deleting else 'Get' if request.method in ('GET', 'HEAD') else 'Put'}{resource}"
    return BUCKET_ACTIONS.get(request.method, "ListBucket")
