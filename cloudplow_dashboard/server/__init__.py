"""The listening socket, uvicorn on a thread of its own, and the stream."""
