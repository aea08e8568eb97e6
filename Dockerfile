# docker build -t batchviz .                          the managed engine
# docker build -t batchviz --build-arg TORCH=cpu .    with TorchSharp restored for the engine that is to come

FROM node:20-bookworm-slim AS node

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ARG TORCH=
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN dotnet publish src/BatchViz -c Release -p:Torch=$TORCH -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
RUN mkdir -p /data/recordings && chown -R "$APP_UID" /data
WORKDIR /app
COPY --from=build /app .
USER $APP_UID
ENV HOME=/data BATCHVIZ_RECORDINGS=/data/recordings
VOLUME /data
EXPOSE 8080
HEALTHCHECK --start-period=10s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["./batchviz"]
CMD ["serve", "--urls", "http://0.0.0.0:8080", "--sign-in", "--data", "/data"]
