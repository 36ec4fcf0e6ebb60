"""The description of the interface, ``/swagger.json``: Swagger 2.0, as the container had it."""

from __future__ import annotations

from typing import Any

from earmark.uploads.max.contract import AUDIO_HELP, FILTER_HELP, START_HELP, VERSION


def describe() -> dict[str, Any]:
    """Return the document."""
    return {
        "swagger": "2.0",
        "basePath": "/",
        "paths": {
            "/model/labels": {
                "get": _get("labels", "Return the list of labels that can be predicted", "Labels")
            },
            "/model/metadata": {
                "get": _get(
                    "get_model_metadata_api",
                    "Return the metadata associated with the model",
                    "ModelMetadata",
                )
            },
            "/model/predict": {"post": _predict()},
        },
        "info": {
            "title": "MAX Audio Classifier",
            "version": VERSION,
            "description": "Identify sounds in short audio clips",
        },
        "produces": ["application/json"],
        "consumes": ["application/json"],
        "tags": [{"name": "model", "description": "Model information and inference operations"}],
        "definitions": _definitions(),
    }


def _get(name: str, summary: str, schema: str) -> dict[str, Any]:
    return {
        "responses": {"200": _success(schema)},
        "summary": summary,
        "operationId": name,
        "tags": ["model"],
    }


def _predict() -> dict[str, Any]:
    return {
        "responses": {"200": _success("ModelPredictResponse")},
        "summary": "Predict audio classes from input data",
        "operationId": "predict",
        "parameters": [
            {
                "name": "audio",
                "in": "formData",
                "type": "file",
                "required": True,
                "description": AUDIO_HELP,
            },
            {
                "name": "start_time",
                "in": "query",
                "type": "number",
                "description": START_HELP,
                "default": 0,
            },
            {
                "name": "filter",
                "in": "query",
                "type": "array",
                "description": FILTER_HELP,
                "items": {"type": "string"},
                "collectionFormat": "csv",
            },
        ],
        "consumes": ["multipart/form-data"],
        "tags": ["model"],
    }


def _success(schema: str) -> dict[str, Any]:
    return {"description": "Success", "schema": {"$ref": f"#/definitions/{schema}"}}


def _definitions() -> dict[str, Any]:
    return {
        "ModelMetadata": _object(
            required=["description", "id", "name", "source", "type"],
            id=_text("Model identifier"),
            name=_text("Model name"),
            description=_text("Model description"),
            type=_text("Model type"),
            source=_text("Model source"),
            license=_text("Model license"),
        ),
        "ModelPredictResponse": _object(
            required=["status"],
            status=_text("Response status message"),
            predictions=_list("LabelPrediction", "Predicted audio classes and probabilities"),
        ),
        "LabelPrediction": _object(
            required=["label", "probability"],
            label_id=_text("Label identifier"),
            label=_text("Audio class label"),
            probability={"type": "number"},
        ),
        "Labels": _object(
            required=["count"],
            count={"type": "integer", "description": "Number of labels returned"},
            labels=_list("Label", "Labels that can be predicted by the model"),
        ),
        "Label": _object(
            required=["id", "name"], id=_text("Label identifier"), name=_text("Label")
        ),
    }


def _object(*, required: list[str], **properties: Any) -> dict[str, Any]:
    return {"required": required, "properties": properties, "type": "object"}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _list(schema: str, description: str) -> dict[str, Any]:
    items = {"$ref": f"#/definitions/{schema}"}
    return {"type": "array", "description": description, "items": items}
