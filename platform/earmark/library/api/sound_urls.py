"""Addresses of the sound of files, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.library.api.sound import AudioView, PeaksDataView, PeaksView, SpectrogramView

urlpatterns = [
    path("files/<int:file_id>/audio", AudioView.as_view()),
    path("files/<int:file_id>/peaks", PeaksView.as_view()),
    path("files/<int:file_id>/peaks.dat", PeaksDataView.as_view()),
    path("files/<int:file_id>/spectrogram.png", SpectrogramView.as_view()),
]
