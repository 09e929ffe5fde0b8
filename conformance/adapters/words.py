"""Generated from conformance/protocol/words.toml by generate_words.py; do not edit."""

CAPABILITIES = (
    "worker_processes",
    "arguments_cross",
    "results_cross",
    "task_deadline",
    "cancel",
    "done_callback",
    "initializer",
    "recycles",
    "resize",
    "close_drain",
    "close_cancel",
    "close_kill",
)
CLOSINGS = ("drain", "cancel", "kill")
BODIES = ("echo", "rendezvous", "large", "carry")
STAGES = ("encode-args", "decode-args", "encode-result", "decode-result")
