"""The binary format and its rules: `decode` reads a module, `validate` walks its bodies and tells a `Sink` what they say."""
