# What -version, the metrics and a label of the image show. To set it:
# docker build --build-arg VERSION=1.2.3
ARG VERSION=devel

# The build runs on the builder's own platform and cross-compiles.
FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION
# Neither paths of the builder nor the state of the repository enter the binary: the
# same source gives the same bytes. The service speaks only HTTP/1.1; leaving out
# what net/http has for HTTP/2 saves half a megabyte.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -tags nethttpomithttp2 -ldflags="-s -w -X 'main.imageVersion=$VERSION'" -o /image/tokenmint .
# The final stage has no shell that could create the folder of the keys.
RUN mkdir -m 0700 /image/keys && chown 65532:65532 /image/keys

FROM scratch
ARG VERSION
LABEL org.opencontainers.image.title="tokenmint" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.description="Stateless service that mints and verifies JSON Web Tokens"
# COPY keeps owner and mode of what is in a folder, but not of the folder
# itself: hence /image/, not /image/keys. An empty named volume takes them over.
COPY --from=build /image/ /
# By number, so that Kubernetes can see that the user is not root.
USER 65532:65532
ENV BIND=0.0.0.0:5000
# Where the service creates its key file, unless SIGNING_KEY or SIGNING_KEY_FILE is set.
WORKDIR /keys
EXPOSE 5000
# Writable under a read-only root, even if nothing is mounted.
VOLUME /keys
HEALTHCHECK --interval=5s --timeout=5s CMD ["/tokenmint", "healthcheck"]
ENTRYPOINT ["/tokenmint"]
