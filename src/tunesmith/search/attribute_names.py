"""The names of the attributes that a study keeps of an attempt; those of version 0.1.0, whose studies still open."""

# The process that has claimed the attempt: see Owner.
OWNER = "owner"
# A number that the owner raises every few seconds while the attempt runs.
HEARTBEAT = "lease"
# A number that grows while the run gets on: with each report and each poll, and written with the heartbeat.
PROGRESS = "progress"
# Why the attempt failed by a cause of its own.
REASON = "reason"
# A mistake that ends the sweep: one in the config that the study's first trial met, or other data than earlier trials'.
CONFIG_ERROR = "mistake"
# Epochs that the attempt has trained; set only if a step is a fold.
EPOCHS = "epochs"
# note and tags of the config that the attempt ran with; set only if there are any.
NOTE = "note"
TAGS = "tags"
# Digest of the data that the attempt trained on; set only if the run says it.
DATA = "data_digest"
# Names of what went wrong in the training that the attempt ran; set only if something was found.
FINDINGS = "findings"
# Number of the trial's first attempt, kept by every retry; the folder of all attempts has this name.
FIRST_ATTEMPT = "first_attempt"
# Number of the attempt that this one is a retry of.
RETRY_OF = "retry_of"
# How many attempts before this one ended together with their process, since the trial last got on.
CRASHES = "deaths"
# True if the attempt's worker gave it back: its end was no crash. Written before the attempt is ended.
REQUEUED = "requeued"
# Name of the sweep's stage that the attempt is of, kept by every retry; not set in a sweep without stages.
STAGE = "stage"
# Optuna's name of the attribute with the values that an attempt is made with, which no sampler draws: its point.
POINT = "fixed_params"
# Digest of the config that the attempt's trial had in common with others: a field of the owner, copied to each retry.
CONFIG = "config"
# Set on copies in memory, never in the study (see StudyOfSpace): whether the trial is no point of the present space.
OUTSIDE = "outside"
# Set on copies in memory: whether a trial of a space that is enumerated repeats a point that another one has run.
REPEAT = "repeat"
# Between a key and the digest of what it varies over, in the name of a param whose range Optuna cannot change.
VERSION = "#"
# True if the attempt was asked for beyond the budget, or is the second retry of one attempt.
SURPLUS = "withdrawn"
# What Optuna puts before a constraint's name in the system attributes of a trial: see Trial.set_constraint.
CONSTRAINT = "constraints:"
