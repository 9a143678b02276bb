"""The fast, exact synthesizer: the real cdktf, with what nobody uses left unloaded."""
