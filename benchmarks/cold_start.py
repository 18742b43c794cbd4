"""Run in a process of its own: import a handler, answer one event, and print what that took.

python cold_start.py FOLDER MODULE HANDLER < event.json
"""

import sys
import time

started, cpu = time.perf_counter(), time.process_time()
text = sys.stdin.read()


def main() -> None:
    """Import and answer, after what Lambda's own client imports before any handler: JSON and logging."""
    import json
    import logging  # noqa: F401

    event = json.loads(text)
    sys.path.insert(0, sys.argv[1])
    before, cpu_before = time.perf_counter(), time.process_time()
    handler = getattr(__import__(sys.argv[2]), sys.argv[3])
    imported, cpu_imported = time.perf_counter(), time.process_time()
    context = type("Context", (), {"aws_request_id": "1", "client_context": None})()
    answer = handler(event, context)
    answered, cpu_answered = time.perf_counter(), time.process_time()
    print(
        json.dumps(
            {
                # The edge calls it "status"; what is not HTTP has none.
                "status": int(answer.get("statusCode", answer.get("status", 200))),
                "import": imported - before,
                "import CPU": cpu_imported - cpu_before,
                "first answer": answered - before,
                "first answer CPU": cpu_answered - cpu_before,
            }
        )
    )


if __name__ == "__main__":
    main()
