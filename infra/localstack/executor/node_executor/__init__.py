"""Runs LocalStack's Lambda functions as Node processes on this machine.

plugin          the entry point that LocalStack finds
executor        one execution environment: manages its child process and passes invocations to it
invocation      one invocation of a child process, from request to outcome
child_process   one Node process: start, freeze, thaw, kill
runtime_api     the Lambda Runtime API for one child process
events          what a child process reports
invocation_log  the text that goes to CloudWatch Logs
processes       keeps track of the child processes, so that none outlives LocalStack
reaper          a separate program that kills them when LocalStack ends
start           starts LocalStack itself on its port
settings        environment variables that infra/localstack/host-command.ts sets
"""
