/** How this page, and every test client, connects to a hub: MessagePack, so that a frame travels as its own bytes. */
import { HubConnectionBuilder, LogLevel, type HubConnection, type IHttpConnectionOptions } from "@microsoft/signalr";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";

/**
 * A connection that has not been started. The hubs answer in SignalR's JSON protocol as well, which a person can read with
 * any WebSocket tool; frames are base64 there.
 */
export function hubConnection(url: string, options: IHttpConnectionOptions = {}): HubConnection {
  return new HubConnectionBuilder()
    .withUrl(url, options)
    .withHubProtocol(new MessagePackHubProtocol())
    .configureLogging(LogLevel.None)
    .build();
}
