"""Everything that reads bytes of somebody else's, each with the errors it declares: any other is a finding."""

from collections.abc import Mapping

from tests.chaos.fuzzing.configuration import configuration_attempt, configuration_seeds
from tests.chaos.fuzzing.desk import desk_attempt, desk_seeds, token_attempt, token_seeds
from tests.chaos.fuzzing.frames import (
    frame_seeds,
    read_any_frame,
    read_any_visitor_frame,
    socket_attempt,
    splitting_attempt,
    splitting_seeds,
    visitor_frame_seeds,
)
from tests.chaos.fuzzing.jobs import inbound_jobs, job_target, media_jobs, outbound_jobs
from tests.chaos.fuzzing.target import Target
from tests.chaos.fuzzing.webhooks import webhook_target
from throughline.channels import WEBHOOK_CHANNELS
from throughline.domain.encodings import (
    decode_inbound,
    decode_media,
    decode_outbound,
    encode_inbound,
    encode_media,
    encode_outbound,
)

TARGETS: Mapping[str, Target] = {
    **{f"webhook/{channel}": webhook_target(channel) for channel in WEBHOOK_CHANNELS},
    "job/inbound": job_target(decode_inbound, encode_inbound, inbound_jobs),
    "job/outbound": job_target(decode_outbound, encode_outbound, outbound_jobs),
    "job/media": job_target(decode_media, encode_media, media_jobs),
    "frame": Target(seeds=frame_seeds, prepare=lambda: read_any_frame),
    "visitor_frame": Target(seeds=visitor_frame_seeds, prepare=lambda: read_any_visitor_frame),
    "socket": Target(seeds=frame_seeds, prepare=socket_attempt, cost=5),
    "splitting": Target(seeds=splitting_seeds, prepare=splitting_attempt),
    "desk": Target(seeds=desk_seeds, prepare=desk_attempt),
    "token": Target(seeds=token_seeds, prepare=token_attempt),
    "configuration": Target(seeds=configuration_seeds, prepare=configuration_attempt, cost=20),
}
