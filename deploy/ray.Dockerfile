# Ray's image with Mien, for deploy/kuberay.yaml. KubeRay's probes need the wget and the shell that Ray's image has.
# From the repository's root: docker build --file deploy/ray.Dockerfile --tag REGISTRY/mien-ray .
# What calls and what reads must have the same Ray and Python: give the tag of yours.

ARG RAY=2.60.0-py311
FROM rayproject/ray:${RAY}
COPY --chown=ray pyproject.toml constraints.txt README.md LICENSE NOTICE /tmp/source/
COPY --chown=ray src /tmp/source/src
RUN pip install --no-cache-dir "/tmp/source[ray]" && rm -r /tmp/source
