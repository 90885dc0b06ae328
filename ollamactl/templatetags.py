"""Filters for sizes, durations and times."""

from django import template

register = template.Library()
