"""The REST API under `/api/v1`: typed questions and answers, described by `/api/v1/openapi.json`."""
