# SPDX-License-Identifier: Apache-2.0
"""A small shop in Django, whose pages are cached: the program of tutorial.md.

    python3 shop.py runserver --noreload 127.0.0.1:8000
"""
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.cache import cache_page

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not a secret",
    CACHES={"default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        # "the server has memory enough"
        "OPTIONS": {"MAX_ENTRIES": 10000000},
        "TIMEOUT": None,
    }},
)


@cache_page(24 * 3600)
def article(request, number):
    body = "".join("<p>article %d, line %d</p>\n" % (number, n)
                   for n in range(200))
    return HttpResponse("<html><body>%s</body></html>" % body)


urlpatterns = [path("article/<int:number>/", article)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
