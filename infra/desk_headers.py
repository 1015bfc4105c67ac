"""What a browser is told to allow the desk: its own files, the two APIs, the issuer and the bucket. Nothing else.

The stack on one machine sends these headers itself; deployed, CloudFront does, and a test holds the template to them.
"""

from collections.abc import Mapping, Sequence

# Lit makes its templates through this one policy; no other piece of the page may turn text into markup.
TRUSTED = "require-trusted-types-for 'script'; trusted-types lit-html"


def content_security_policy(connect: Sequence[str], files: Sequence[str]) -> str:
    """Return the policy. `connect` are origins of APIs, issuer and sockets, `files` those of attachments."""
    reached = " ".join(["'self'", *connect, *files])
    shown = " ".join(["'self'", "blob:", *files])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; manifest-src 'self'; "
        f"connect-src {reached}; img-src {shown}; media-src {shown}; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; {TRUSTED}"
    )


# The same with what CloudFormation fills in. A link to the bucket may name its region or not.
_APIS = "execute-api.${AWS::Region}.${AWS::URLSuffix}"
_BLOBS = "https://throughline-${Stage}-blobs-${AWS::AccountId}.s3"
DEPLOYED_POLICY = content_security_policy(
    [
        f"https://${{RestAPI}}.{_APIS}",
        f"wss://${{WebsocketAPI}}.{_APIS}",
        "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}",
        "${SignInOrigins}",
    ],
    [f"{_BLOBS}.${{AWS::URLSuffix}}", f"{_BLOBS}.${{AWS::Region}}.${{AWS::URLSuffix}}"],
)


def security_headers(policy: str) -> Mapping[str, str]:
    """Return all of them."""
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
