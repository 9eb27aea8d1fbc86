"""What somebody writes who wants credits granted and nothing else: no ledger, no receipt, no retry, no pace.

`plain.py URL KEY TAG`: 25 lines that read and write each carrier of a tag. A crash in the middle, and whoever came
before it is granted twice.
"""

import sys

import requests

url, key, tag = sys.argv[1:]
session = requests.Session()
session.headers["X-Kit-Api-Key"] = key
query = {"per_page": "1000", "status": "all"}
while True:
    page = session.get(f"{url}/v4/tags/{tag}/subscribers", params=query, timeout=30).json()
    for row in page["subscribers"]:
        at = f"{url}/v4/subscribers/{row['id']}"
        contact = session.get(at, timeout=30).json()["subscriber"]
        balance = int(contact["fields"]["credits"] or 0) + 10
        answer = session.put(at, json={"fields": {"credits": str(balance)}}, timeout=30)
        answer.raise_for_status()
    if not page["pagination"]["has_next_page"]:
        break
    query["after"] = page["pagination"]["end_cursor"]
