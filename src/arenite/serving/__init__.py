"""Boxes for agents: sessions with limits, and the MCP server over them (`arenite mcp`).

Imported by that command alone, for the package `mcp` takes long to import.
"""
