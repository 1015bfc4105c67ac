"""The contact centre: every Lambda entry point, registered."""

from chalice.app import Chalice

from functions.agents import agents
from functions.desk import desk
from functions.inbound import inbound
from functions.media import media
from functions.outbound import outbound
from functions.timers import timers
from functions.webchat import webchat
from functions.webhooks import webhooks

app = Chalice(app_name="throughline")
app.experimental_feature_flags.update(["WEBSOCKETS"])
# API Gateway mangles bytes that are no UTF-8 in any other type, and then no signature of the body holds.
app.api.binary_types = ["application/octet-stream", "multipart/form-data", "multipart/mixed"]
for blueprint in (webhooks, desk, webchat, agents, inbound, outbound, timers, media):
    app.register_blueprint(blueprint)
