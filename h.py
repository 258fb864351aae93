import socket,subprocess,threading,os
