"""Networks and front ends that several backends share; they know neither labels nor files."""
