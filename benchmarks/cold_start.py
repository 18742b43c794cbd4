"""Run in a process of its own: import a handler, answer one event, and print what that took.

python cold_start.py FOLDER MODULE < event.json
"""

import sys
import time

started, cpu = time.perf_counter(), time.process_time()
text = sys.stdin.read()


def main() -> None:
    """Import and answer; JSON is imported for the event, as Lambda's own client does."""
    import json

    event = json.loads(text)
    sys.path.insert(0, sys.argv[1])
    before, cpu_before = time.perf_counter(), time.process_time()
    handler = __import__(sys.argv[2]).handler
    imported, cpu_imported = time.perf_counter(), time.process_time()
    context = type("Context", (), {"aws_request_id": "1", "client_context": None})()
    answer = handler(event, context)
    answered, cpu_answered = time.perf_counter(), time.process_time()
    print(
        json.dumps(
            {
                "status": answer.get("statusCode", 200) if isinstance(answer, dict) else 200,
                "import": imported - before,
                "import CPU": cpu_imported - cpu_before,
                "first answer": answered - before,
                "first answer CPU": cpu_answered - cpu_before,
            }
        )
    )


if __name__ == "__main__":
    main()
