"""The operator's command: demo, up, analyze, rebuild, report, doctor, statistics."""
