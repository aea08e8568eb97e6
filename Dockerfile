# docker build -t batchviz .                            TorchSharp with CUDA; run it with: docker run --gpus all …
# docker build -t batchviz --build-arg TORCH=none .     without libtorch, a gigabyte or more smaller; --libtorch names one that is mounted
# docker build -t batchviz --build-arg TORCH=cpu .      TorchSharp on the processor

FROM node:20-bookworm-slim AS node

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ARG TORCH=cuda
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .
RUN case "$TORCH" in none) torch= ;; cpu | cuda) torch=$TORCH ;; *) echo "TORCH is none, cpu or cuda, not $TORCH" >&2; exit 1 ;; esac \
    && dotnet publish src/BatchViz -c Release -r linux-x64 --self-contained false -p:Torch=$torch -o /app

# The CUDA runtime comes with TorchSharp's packages; the driver, from the machine, by NVIDIA's container toolkit.
FROM mcr.microsoft.com/dotnet/aspnet:10.0
RUN mkdir -p /data/recordings && chown -R "$APP_UID" /data
WORKDIR /app
COPY --from=build /app .
USER $APP_UID
ENV HOME=/data BATCHVIZ_RECORDINGS=/data/recordings NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
VOLUME /data
EXPOSE 8080
HEALTHCHECK --start-period=10s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["./batchviz"]
CMD ["serve", "--urls", "http://0.0.0.0:8080", "--sign-in", "--data", "/data"]
